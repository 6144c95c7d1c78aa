//! Lines of shell, as far as the documents use it: which commands they have, word by word.

/// The commands that are called by a name, each with its words; without redirections.
pub(crate) fn calls(script: &str, name: &str) -> Vec<Vec<String>> {
    let script = as_files(&script.replace("\\\n", " "));
    let commands = script.lines().flat_map(commands);
    commands
        .filter_map(|mut words| {
            if words.first().is_some_and(|first| first == "sudo") {
                words.remove(0);
            }
            (words.first()? == name).then_some(words)
        })
        .collect()
}

/// Commands whose output stands for a file, `<(...)`, as files.
fn as_files(script: &str) -> String {
    let mut parts = script.split("<(");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let after = part.split_once(')').map_or("", |(_, after)| after);
        format!("{text}/dev/fd/63{after}")
    })
}

/// The commands of a line.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut skip = false;
    for token in tokens(line) {
        let current = commands
            .last_mut()
            .expect("there is one from the beginning");
        match token {
            Token::End => commands.push(Vec::new()),
            Token::Redirection => skip = true,
            Token::Word(_) if skip => skip = false,
            Token::Word(word) => current.push(word),
        }
    }
    commands.retain(|words| !words.is_empty());
    commands
}

enum Token {
    Word(String),
    /// The file follows.
    Redirection,
    End,
}

fn tokens(line: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let (mut word, mut quote): (Option<String>, Option<char>) = (None, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, '#') if word.is_none() => break,
            (None, ' ') => tokens.extend(word.take().map(Token::Word)),
            (None, '|' | ';' | '&' | '(' | ')' | '`') => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(Token::End);
            }
            (None, '>' | '<') => {
                // A number before it says which stream is meant.
                tokens.extend(word.take().filter(|word| word != "2").map(Token::Word));
                tokens.push(Token::Redirection);
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    tokens.extend(word.map(Token::Word));
    tokens
}

#[test]
fn commands_are_found_where_a_shell_would_run_them() {
    let script = "nginx -T 2>/dev/null | evenkeel audit -  # evenkeel fly\n\
                  kill -HUP \"$(pidof evenkeel)\"\n\
                  sudo evenkeel run --config 'a b.yaml' 2> log &\n\
                  evenkeel backtest --step 30s \\\n  --selector 'pool=\"a|b\"'\n\
                  evenkeel audit --diff <(git show HEAD:a) b\n";
    let calls = calls(script, "evenkeel");
    let lines: Vec<String> = calls.iter().map(|words| words.join(" ")).collect();
    assert_eq!(
        lines,
        [
            "evenkeel audit -",
            "evenkeel run --config a b.yaml",
            "evenkeel backtest --step 30s --selector pool=\"a|b\"",
            "evenkeel audit --diff /dev/fd/63 b",
        ]
    );
}
