//! Calls the YAML parser, within limits.

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::build::Builder;
use super::comments::{Remark, suppressions};
use super::{Kind, Tree};
use crate::error::{ReadError, Why};
use crate::finding::Suppression;
use crate::source::{FileId, Loader, Place};

/// Parses a file that the loader has read: its documents, and its comments for the audit.
pub(crate) fn parse(
    loader: &Loader<'_>,
    file: FileId,
) -> Result<(Tree, Vec<Suppression>), ReadError> {
    let text = loader.source(file).text.as_str();
    let most = loader.limits().block_depth;
    let reader = Reader { text, file, most };
    let (tree, remarks) = reader
        .run()
        .map_err(|(place, why)| loader.error(place, why))?;
    let suppressions = suppressions(&tree, &remarks);
    Ok((tree, suppressions))
}

struct Reader<'a> {
    text: &'a str,
    file: FileId,
    most: usize,
}

impl<'a> Reader<'a> {
    fn run(&self) -> Result<(Tree, Vec<Remark<'a>>), (Place, Why)> {
        let options = granit_parser::options! {
            flow_nesting_limit: self.most + 1,
            block_nesting_limit: self.most + 1,
            // The text's length bounds them.
            max_buffered_comment_events: usize::MAX,
        };
        let mut builder = Builder::default();
        let mut remarks = Vec::new();
        for event in Parser::new_from_str_with_options(self.text, options) {
            let (event, span) =
                event.map_err(|error| (self.point(*error.marker()), Why::Syntax(error.info())))?;
            let place = self.place(&span);
            if builder.depth() > self.most {
                return Err((place, Why::TooDeepBlocks(self.most)));
            }
            let done = match event {
                Event::Comment(..) => {
                    remarks.push(Remark::new(self.text, place, &span));
                    Ok(())
                }
                event => take(&mut builder, event, place, &span),
            };
            done.map_err(|why| (place, why))?;
        }
        Ok((builder.finish(), remarks))
    }

    fn place(&self, span: &Span) -> Place {
        let written = span.slice(self.text).unwrap_or_default();
        let length = written
            .chars()
            .take_while(|char| !matches!(char, '\n' | '\r'))
            .count();
        Place {
            length: narrow(length.max(1)),
            ..self.point(span.start)
        }
    }

    fn point(&self, marker: Marker) -> Place {
        let start = marker.byte_offset().unwrap_or_default();
        Place {
            file: self.file,
            start: narrow(start.min(self.text.len())),
            line: narrow(marker.line().max(1)),
            column: narrow(marker.col() + 1),
            length: 1,
        }
    }
}

/// Adds what an event brings to the tree.
fn take(builder: &mut Builder, event: Event<'_>, place: Place, span: &Span) -> Result<(), Why> {
    let end_line = || {
        let line = narrow(span.end.line());
        if span.end.col() == 0 {
            line.saturating_sub(1)
        } else {
            line
        }
    };
    // Only brackets have an end of their own: blocks end where the next value begins.
    let bracket = || (!span.is_empty()).then(end_line);
    match event {
        Event::Scalar(text, style, anchor, _) => {
            let plain = style == ScalarStyle::Plain;
            let kind = Kind::Scalar {
                text: text.into_owned(),
                plain,
            };
            builder.scalar(place, end_line().max(place.line), anchor, kind)
        }
        Event::SequenceStart(_, anchor, _) => {
            builder.begin(at(place), anchor, false);
            Ok(())
        }
        Event::MappingStart(_, anchor, _) => {
            builder.begin(at(place), anchor, true);
            Ok(())
        }
        Event::SequenceEnd | Event::MappingEnd => builder.end(bracket()),
        Event::Alias(anchor) => builder.alias(anchor),
        _ => Ok(()),
    }
}

/// The first character of a place.
fn at(place: Place) -> Place {
    Place { length: 1, ..place }
}

/// Saturates; [`Limits`](crate::source::Limits) keep texts far shorter.
fn narrow(wide: usize) -> u32 {
    u32::try_from(wide).unwrap_or(u32::MAX)
}
