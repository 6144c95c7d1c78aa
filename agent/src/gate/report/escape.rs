//! Text in Markdown.

/// Text in a cell of a Markdown table: one line, and nothing that Markdown or HTML would take for markup.
pub(super) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' => {
                escaped.push('\\');
                escaped.push(char);
            }
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            _ if char.is_control() => escaped.push(' '),
            _ => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "</td>|<script>`\u{0}\n\"]]>";
        let markdown = markdown(hostile);
        assert!(
            !markdown.contains(['<', '\n', '\0']) && markdown.contains("\\|"),
            "{markdown}"
        );
    }
}
