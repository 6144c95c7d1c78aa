//! Tables whose columns are found by name.

use std::collections::HashMap;

use super::super::Reason;

/// A table as HAProxy prints it: a line of names that begins with `# `, and a line per row.
pub(super) struct Table {
    /// The command that it is the answer to.
    asked: &'static str,
    columns: HashMap<String, usize>,
    rows: Vec<Vec<String>>,
}

/// A row of a table.
#[derive(Clone, Copy)]
pub(super) struct Row<'t> {
    table: &'t Table,
    fields: &'t [String],
}

impl Table {
    /// Reads values that are separated by commas, with those in quotation marks that hold any.
    pub(super) fn of_commas(asked: &'static str, text: &str) -> Result<Self, Reason> {
        Self::new(asked, comma_rows(text))
    }

    /// Reads words; the first line is the version of the format.
    pub(super) fn of_words(asked: &'static str, text: &str) -> Result<Self, Reason> {
        let mut lines = text.lines();
        let version = lines.next().unwrap_or_default().trim();
        if version != "1" {
            let what = format!("its first line is {version:?} instead of the format's version, 1");
            return Err(Reason::not_understood(asked, what));
        }
        let rows = lines.map(|line| line.split_ascii_whitespace().map(str::to_owned).collect());
        Self::new(asked, rows.collect())
    }

    fn new(asked: &'static str, rows: Vec<Vec<String>>) -> Result<Self, Reason> {
        let mut rows = rows
            .into_iter()
            .filter(|row| row.iter().any(|field| !field.is_empty()));
        let mut head = rows.next().unwrap_or_default();
        let marked = match head.first_mut() {
            Some(first) if first == "#" => {
                head.remove(0);
                true
            }
            Some(first) => match first.strip_prefix("# ") {
                Some(name) => {
                    *first = name.to_owned();
                    true
                }
                None => false,
            },
            None => false,
        };
        if !marked {
            return Err(Reason::not_understood(asked, "it has no line of columns"));
        }
        Ok(Self {
            asked,
            columns: head
                .into_iter()
                .enumerate()
                .map(|(index, name)| (name, index))
                .collect(),
            rows: rows.collect(),
        })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|fields| Row {
            table: self,
            fields,
        })
    }
}

impl<'t> Row<'t> {
    /// A field; empty ones and columns that this version does not have are none.
    pub(super) fn get(self, column: &str) -> Option<&'t str> {
        let index = *self.table.columns.get(column)?;
        let field = self.fields.get(index)?;
        (!field.is_empty()).then_some(field.as_str())
    }

    /// A field that every version has.
    pub(super) fn text(self, column: &str) -> Result<&'t str, Reason> {
        self.get(column)
            .ok_or_else(|| self.wrong(format!("a row has no {column}")))
    }

    /// A number that every version has.
    pub(super) fn number<T: std::str::FromStr>(self, column: &str) -> Result<T, Reason> {
        let text = self.text(column)?;
        text.parse().or(Err(())).map_err(|()| {
            self.wrong(format!(
                "{column} is {text:?}, which is no number in its range"
            ))
        })
    }

    pub(super) fn wrong(self, what: String) -> Reason {
        Reason::not_understood(self.table.asked, what)
    }
}

/// Rows of values between commas. A value in quotation marks may hold commas, line ends and doubled quotation marks.
fn comma_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            other => field.push(other),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_hold_what_separates_others() {
        let table = "# a,b,c,\n1,\"x, \"\"y\"\"\n z\",,\n\n2,plain,3,\n";
        let table = Table::of_commas("show stat", table).unwrap();
        let rows: Vec<_> = table.rows().collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].get("b"), Some("x, \"y\"\n z"));
        assert_eq!((rows[0].get("c"), rows[1].get("c")), (None, Some("3")));
        assert_eq!(rows[1].number::<u32>("a").unwrap(), 2);
        let missing = rows[1].text("d").unwrap_err().to_string();
        assert!(
            missing.contains("show stat") && missing.contains("no d"),
            "{missing}"
        );
    }

    #[test]
    fn what_is_no_table_is_said_to_be_none() {
        for text in ["", "\n", "2\n# a\n", "Permission denied\n"] {
            assert!(
                Table::of_words("show servers state", text).is_err(),
                "{text:?}"
            );
        }
        assert!(Table::of_commas("show stat", "pxname,svname\n").is_err());
    }
}
