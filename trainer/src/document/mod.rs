//! Reports: their contents, which can be written as Markdown and as one self-contained HTML page.

pub mod drawing;

use std::fmt::Write;

use html_escape::encode_double_quoted_attribute as escape;

use crate::table::Table;

/// The style sheet: the colours and sizes of page and report, then the report's own rules.
const STYLE: &str = concat!(
    include_str!("../../../web/tokens.css"),
    include_str!("style.css")
);

/// Headings, text, tables and figures, in order.
#[derive(Default)]
pub struct Document {
    title: String,
    blocks: Vec<Block>,
}

enum Block {
    /// The level, 2 for a section and 3 for a part of it, and the text.
    Heading(u8, String),
    Text(String),
    Table(Grid),
    /// A chart of characters, for Markdown.
    Code(String),
    /// Text that keeps its lines and spaces.
    Listing(String),
    /// For HTML.
    Figures(Vec<Figure>),
    /// A section of figures, for HTML.
    Plots {
        heading: String,
        text: String,
        figures: Vec<Figure>,
    },
}

/// A table whose first column has names and the others numbers.
pub struct Grid {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A drawing with its title and legend.
pub struct Figure {
    /// The title.
    pub title: String,
    /// SVG.
    pub drawing: String,
    /// The style class and the name of each series.
    pub legend: Vec<(String, String)>,
}

impl Grid {
    /// A table with this header and no rows.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Self {
            header: header.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// As Markdown.
    pub fn to_text(&self) -> String {
        let mut table = Table::new(self.header.iter().map(|cell| without_tags(cell)));
        for row in &self.rows {
            table.row(row.iter().map(|cell| without_tags(cell)));
        }
        table.to_string()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Document {
    /// An empty document.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            blocks: Vec::new(),
        }
    }

    /// Begins a section.
    pub fn section(&mut self, heading: impl Into<String>) {
        self.blocks.push(Block::Heading(2, heading.into()));
    }

    /// Begins a part of a section.
    pub fn part(&mut self, heading: impl Into<String>) {
        self.blocks.push(Block::Heading(3, heading.into()));
    }

    /// Adds a paragraph.
    pub fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    /// Adds a table.
    pub fn table(&mut self, table: Grid) {
        self.blocks.push(Block::Table(table));
    }

    /// Adds a chart: characters in Markdown, a figure in HTML.
    pub fn chart(&mut self, characters: String, figure: Figure) {
        self.blocks.push(Block::Code(characters));
        self.blocks.push(Block::Figures(vec![figure]));
    }

    /// Adds text that keeps its lines and spaces, such as a config.
    pub fn listing(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Listing(text.into()));
    }

    /// Adds figures to the HTML.
    pub fn figures(&mut self, figures: Vec<Figure>) {
        self.blocks.push(Block::Figures(figures));
    }

    /// Adds a section of figures with an explanation to the HTML.
    pub fn plots(
        &mut self,
        heading: impl Into<String>,
        text: impl Into<String>,
        figures: Vec<Figure>,
    ) {
        self.blocks.push(Block::Plots {
            heading: heading.into(),
            text: text.into(),
            figures,
        });
    }

    /// As Markdown, without figures.
    pub fn to_markdown(&self) -> String {
        format!("# {}\n{}", without_tags(&self.title), self.body())
    }

    /// The Markdown below the title.
    pub fn body(&self) -> String {
        let mut text = String::new();
        for block in &self.blocks {
            let _ = match block {
                Block::Heading(level, heading) => {
                    let heading = without_tags(heading);
                    writeln!(text, "\n{} {heading}", "#".repeat((*level).into()))
                }
                Block::Text(paragraph) => writeln!(text, "\n{}", without_tags(paragraph)),
                Block::Table(grid) => write!(text, "\n{}", grid.to_text()),
                Block::Code(lines) => write!(text, "\n{lines}"),
                Block::Listing(listing) => {
                    // Indented by four spaces, a text is a code block whatever it contains.
                    let lines = listing.lines().map(|line| match line {
                        "" => "\n".to_owned(),
                        _ => format!("    {line}\n"),
                    });
                    write!(text, "\n{}", lines.collect::<String>())
                }
                Block::Figures(_) | Block::Plots { .. } => Ok(()),
            };
        }
        text
    }

    /// As one self-contained HTML page.
    pub fn to_html(&self) -> String {
        let mut body = String::new();
        let mut contents = String::new();
        let mut section = |body: &mut String, heading: &str| {
            let heading = escape(heading);
            let number = contents.lines().count() + 1;
            let _ = writeln!(contents, r##"<a href="#s{number}">{heading}</a>"##);
            writeln!(body, r#"<h2 id="s{number}">{heading}</h2>"#)
        };
        for block in &self.blocks {
            let _ = match block {
                Block::Heading(2, heading) => section(&mut body, heading),
                Block::Heading(_, heading) => writeln!(body, "<h3>{}</h3>", escape(heading)),
                Block::Text(paragraph) => writeln!(body, "<p>{}</p>", escape(paragraph)),
                Block::Table(grid) => writeln!(body, "{}", grid.to_html()),
                Block::Code(_) => Ok(()),
                Block::Listing(listing) => {
                    writeln!(body, "<pre tabindex=\"0\">{}</pre>", escape(listing))
                }
                Block::Figures(figures) => writeln!(body, "{}", to_html(figures)),
                Block::Plots {
                    heading,
                    text,
                    figures,
                } => {
                    let _ = section(&mut body, heading);
                    writeln!(body, "<p>{}</p>\n{}", escape(text), to_html(figures))
                }
            };
        }
        let title = escape(&self.title);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<header>\n<h1>{title}</h1>\n<nav>\n{contents}</nav>\n</header>\n<main>\n{body}</main>\n\
             </body>\n</html>\n"
        )
    }
}

/// Escapes the beginning of every HTML tag and comment, which Markdown would pass on from a name. Other signs stay, so that
/// the text can be read as it is.
fn without_tags(markdown: &str) -> String {
    let begins_tag = |next: char| next.is_ascii_alphabetic() || "/!?".contains(next);
    let mut text = String::with_capacity(markdown.len());
    for (place, letter) in markdown.char_indices() {
        match letter {
            '<' if markdown[place + 1..].starts_with(begins_tag) => text.push_str("&lt;"),
            other => text.push(other),
        }
    }
    text
}

impl Grid {
    fn to_html(&self) -> String {
        let header: String = (self.header.iter())
            .map(|cell| format!("<th scope=\"col\">{}</th>", escape(cell)))
            .collect();
        let row = |cells: &Vec<String>| -> String {
            let mut html = String::from("<tr>");
            for (column, cell) in cells.iter().map(|cell| escape(cell)).enumerate() {
                let _ = match column {
                    0 => write!(html, "<th scope=\"row\">{cell}</th>"),
                    _ => write!(html, "<td>{cell}</td>"),
                };
            }
            html + "</tr>\n"
        };
        let rows: String = self.rows.iter().map(row).collect();
        // What scrolls can be focused, so that the arrow keys scroll it.
        format!(
            "<div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"table\"><table>\n<thead>\n\
             <tr>{header}</tr>\n</thead>\n<tbody>\n{rows}</tbody>\n</table></div>"
        )
    }
}

fn to_html(figures: &[Figure]) -> String {
    if figures.is_empty() {
        return "<p>not run</p>".into();
    }
    let figures: String = figures.iter().map(Figure::to_html).collect();
    format!("<div class=\"figures\">\n{figures}</div>")
}

impl Figure {
    fn to_html(&self) -> String {
        let legend: String = (self.legend.iter())
            .map(|(class, name)| {
                let name = escape(name);
                format!(
                    "<li><svg class=\"key\" viewBox=\"0 0 26 10\" width=\"26\" height=\"10\" aria-hidden=\"true\">\
                     <line class=\"line {class}\" x1=\"1\" y1=\"5\" x2=\"25\" y2=\"5\"/></svg>{name}</li>\n"
                )
            })
            .collect();
        let legend = match legend.as_str() {
            "" => String::new(),
            items => format!("<ul class=\"legend\">\n{items}</ul>\n"),
        };
        format!(
            "<figure>\n<figcaption>{}</figcaption>\n{}\n{legend}</figure>\n",
            escape(&self.title),
            self.drawing
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_became_html_in_markdown() {
        let name = "<img src=x onerror=alert(1)>";
        let mut document = Document::new(name);
        document.section(name);
        document.text(format!("{name} has p <0.001, 1 < 2 </b> <!-- <"));
        let mut table = Grid::new([name, name]);
        table.row([name, name]);
        document.table(table);
        let markdown = document.to_markdown();
        assert!(!markdown.contains("<img"), "{markdown}");
        assert_eq!(markdown.matches("&lt;img src=x").count(), 7);
        assert!(markdown.contains("p <0.001, 1 < 2 &lt;/b> &lt;!-- <\n"));
    }
}
