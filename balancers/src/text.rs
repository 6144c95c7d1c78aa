//! Numbers and lists in messages.

/// A share, in percent: `80.0 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// How many things a message lists.
const LISTED: usize = 4;

/// Things with commas; of many, the first few and how many more there are. The same thing several times is told once.
pub(crate) fn list(things: impl Iterator<Item = String>) -> String {
    let mut told: Vec<(String, usize)> = Vec::new();
    let mut more = 0;
    for thing in things {
        if let Some((_, times)) = told.iter_mut().find(|(known, _)| *known == thing) {
            *times += 1;
        } else if told.len() < LISTED {
            told.push((thing, 1));
        } else {
            more += 1;
        }
    }
    let mut text: Vec<String> = told.into_iter().map(|(thing, _)| thing).collect();
    if more > 0 {
        text.push(format!("and {more} more"));
    }
    text.join(", ")
}
