//! Passes over Lua in `*_by_lua_block { ... }`, whose braces and quotes are Lua's and not nginx'.

use super::token::Tokens;

/// Whether what follows the opening brace of this directive is Lua.
pub(super) fn is_lua(name: &str) -> bool {
    name.ends_with("_by_lua_block")
}

/// Passes everything to the brace that closes the block, and that brace. `false` if there is none.
pub(super) fn skip(tokens: &mut Tokens<'_>) -> bool {
    let mut depth = 1_u32;
    while let Some(byte) = tokens.peek() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b'"' | b'\'' => {
                quoted(tokens, byte);
                continue;
            }
            b'[' if long(tokens) => continue,
            b'-' if tokens.sees("--") => {
                comment(tokens);
                continue;
            }
            _ => {}
        }
        tokens.advance();
        if depth == 0 {
            return true;
        }
    }
    false
}

/// A string on one line. A quote that the line does not close is passed alone.
fn quoted(tokens: &mut Tokens<'_>, quote: u8) {
    tokens.advance();
    while let Some(byte) = tokens.peek() {
        match byte {
            b'\n' => return,
            b'\\' => tokens.advance(),
            _ => {}
        }
        tokens.advance();
        if byte == quote {
            return;
        }
    }
}

fn comment(tokens: &mut Tokens<'_>) {
    tokens.advance();
    tokens.advance();
    if tokens.peek() == Some(b'[') && long(tokens) {
        return;
    }
    while tokens.peek().is_some_and(|byte| byte != b'\n') {
        tokens.advance();
    }
}

/// Passes a string in long brackets, `[[...]]` or `[==[...]==]`; `false`, with nothing passed, if none begins here.
fn long(tokens: &mut Tokens<'_>) -> bool {
    // More levels than anyone writes would make every bracket slow.
    let Some(level) = (0..8).find(|level| tokens.sees(&bracket('[', *level))) else {
        return false;
    };
    let end = bracket(']', level);
    while tokens.peek().is_some() && !tokens.sees(&end) {
        tokens.advance();
    }
    for _ in 0..end.len() {
        tokens.advance();
    }
    true
}

fn bracket(char: char, level: usize) -> String {
    format!("{char}{}{char}", "=".repeat(level))
}
