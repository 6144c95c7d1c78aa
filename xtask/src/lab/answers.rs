//! From what a trainee types to what is meant.

use std::net::SocketAddr;

use evenkeel_lab::training::{ANSWERS, Answer};

/// The cause that is meant: by its number in the list, or by its word.
pub(super) fn cause(text: &str) -> Option<&'static Answer> {
    let number = text.parse::<usize>().ok();
    let numbered = number.and_then(|number| ANSWERS.get(number.checked_sub(1)?));
    let word = text.to_lowercase().replace([' ', '-'], "_");
    numbered.or_else(|| ANSWERS.iter().find(|answer| answer.id == word))
}

/// The backends that are meant, by numbers in the list or by addresses with or without port, separated by blanks or commas. An error is the
/// word that means none.
pub(super) fn backends(text: &str, of: &[SocketAddr]) -> Result<Vec<SocketAddr>, String> {
    let words = text.split([' ', ',', ';']).filter(|word| !word.is_empty());
    let mut found = words
        .map(|word| backend(word, of).ok_or_else(|| word.to_owned()))
        .collect::<Result<Vec<_>, _>>()?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn backend(word: &str, of: &[SocketAddr]) -> Option<SocketAddr> {
    if let Ok(number) = word.parse::<usize>() {
        return of.get(number.checked_sub(1)?).copied();
    }
    let same =
        |address: &&SocketAddr| address.to_string() == word || address.ip().to_string() == word;
    of.iter().find(same).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_have_numbers_and_words() {
        assert_eq!(cause("1").unwrap().id, "refusing");
        assert_eq!(cause("Weights differ").unwrap().id, "weights_differ");
        assert_eq!(cause("12").unwrap().id, "even");
        assert_eq!((cause("0"), cause("13"), cause("dns")), (None, None, None));
    }

    #[test]
    fn backends_have_numbers_and_addresses() {
        let of = ["127.1.1.11:8080", "127.1.1.12:8080"].map(|it| it.parse().unwrap());
        assert_eq!(backends("2, 127.1.1.11 2", &of), Ok(of.to_vec()));
        assert_eq!(backends("127.1.1.12:8080", &of), Ok(vec![of[1]]));
        assert_eq!(backends("1 3", &of), Err("3".to_owned()));
        assert_eq!(backends("", &of), Ok(Vec::new()));
    }
}
