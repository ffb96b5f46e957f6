//! Drawings made of rectangles, lines and words, as SVG that stands within an HTML document.
//!
//! Promises: every text is escaped; nothing is loaded and nothing runs. Lengths are in pixels, from the upper left corner.

use std::fmt::Write as _;

use super::block::Text;
use super::html::escape;

/// A finished drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing(String);

/// A drawing that is being made.
#[derive(Debug)]
pub struct Canvas {
    width: u32,
    height: u32,
    parts: String,
}

/// Where a text stands to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// It ends there.
    End,
}

impl Canvas {
    /// An empty one of this size.
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, parts: String::new() }
    }

    /// A filled rectangle; pointing at it shows the words.
    pub fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), colour: Colour, words: &str) {
        // Writing into a string does not fail.
        let _ = writeln!(
            self.parts,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"2\" fill=\"{}\"><title>{}</title></rect>",
            colour.0,
            escape(&Text::new(words))
        );
    }

    /// A square that stands on its corner, around a point; pointing at it shows the words.
    pub fn diamond(&mut self, (x, y): (f64, f64), radius: f64, colour: Colour, words: &str) {
        let (left, right, top, bottom) = (x - radius, x + radius, y - radius, y + radius);
        let _ = writeln!(
            self.parts,
            "<path d=\"M{left:.1} {y:.1}L{x:.1} {top:.1}L{right:.1} {y:.1}L{x:.1} {bottom:.1}Z\" fill=\"{}\"><title>{}</title></path>",
            colour.0,
            escape(&Text::new(words))
        );
    }

    /// A thin line.
    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: Colour) {
        let _ = writeln!(
            self.parts,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{}\"/>",
            colour.0
        );
    }

    /// Words on one line, which stand on the point.
    pub fn words(&mut self, (x, y): (f64, f64), anchor: Anchor, colour: Colour, words: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::End => "end",
        };
        let _ = writeln!(
            self.parts,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{}\">{}</text>",
            colour.0,
            escape(&Text::new(words))
        );
    }

    /// The drawing; `title` says what it is to those who hear it read.
    pub fn finish(self, title: &str) -> Drawing {
        let Self { width, height, parts } = self;
        let title = escape(&Text::new(title));
        Drawing(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" font-family=\"Helvetica,Arial,sans-serif\" font-size=\"12\">\n<title>{title}</title>\n{parts}</svg>"
        ))
    }
}

/// A colour as written in a style, such as `#1f2933`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(pub &'static str);

impl Drawing {
    /// The element, to stand in an HTML document or a file of its own.
    pub fn svg(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_texts() {
        let mut canvas = Canvas::new(10, 10);
        canvas.words((1.0, 2.0), Anchor::Start, Colour("#000000"), "<script>a & b</script>\n\"c\"");
        canvas.bar((0.0, 0.0), (1.0, 1.0), Colour("#000000"), "</title><b>");
        let drawing = canvas.finish("<i>");
        assert!(!drawing.svg().contains("<script>") && !drawing.svg().contains("<b>"));
        assert!(drawing.svg().contains("&lt;script&gt;a &amp; b&lt;/script&gt; &quot;c&quot;</text>"));
        assert_eq!(drawing.svg().matches("<title>").count(), 2);
    }
}
