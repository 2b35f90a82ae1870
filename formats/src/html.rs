//! HTML to the text that its writer wrote.

use std::borrow::Cow;

/// Elements that quote others: their content is not the writer's.
const QUOTATIONS: [&str; 1] = ["blockquote"];
/// Elements whose content is no text.
const INVISIBLE: [&str; 2] = ["script", "style"];
/// Elements that begin and end a line.
const BLOCKS: [&str; 34] = [
    "p",
    "div",
    "pre",
    "hr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "caption",
    "tr",
    "th",
    "td",
    "section",
    "article",
    "header",
    "footer",
    "main",
    "nav",
    "aside",
    "address",
    "figure",
    "figcaption",
    "details",
    "summary",
    "fieldset",
];

/// Text, and whether a quotation was left out of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) had_quotation: bool,
}

/// The text of HTML: tags are dropped, paragraphs and line breaks become line ends, entities are decoded, quotations left
/// out. Content that a style sheet hides is kept: in Mastodon's links that is the rest of the address.
pub(crate) fn text(html: &str) -> Text {
    let mut result = Text::default();
    let mut rest = html;
    // The element that is being left out, and how many of its name are open.
    let mut left_out: Option<(String, usize)> = None;
    // The text after the last ends of a tag and of a comment has neither, however often one begins there.
    let [last_tag, last_comment] = [">", "-->"].map(|end| html.rfind(end).unwrap_or(0));
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        let place = html.len() - tag.len();
        let has_end = match tag.starts_with("<!--") {
            true => place < last_comment,
            false => place < last_tag,
        };
        let Some(tag) = has_end.then(|| Tag::at(tag)).flatten() else {
            // A bare "<", as in "a < b" and "<3".
            push(&mut result, &left_out, &rest[..=start]);
            rest = &rest[start + 1..];
            continue;
        };
        push(&mut result, &left_out, before);
        rest = &rest[start + tag.length..];
        match &mut left_out {
            Some((name, open)) if *name == tag.name => {
                *open = if tag.is_end { *open - 1 } else { *open + 1 };
                if *open == 0 {
                    left_out = None;
                }
            }
            Some(_) => {}
            None if !tag.is_end && tag.is_left_out() => {
                if !INVISIBLE.contains(&tag.name.as_str()) {
                    result.had_quotation = true;
                    // The words before and after a quotation do not touch.
                    result.text.push('\n');
                }
                left_out = Some((tag.name, 1));
            }
            None if tag.name == "br" || BLOCKS.contains(&tag.name.as_str()) => {
                result.text.push('\n')
            }
            None => result.text += &entities(tag.emoticon().unwrap_or_default()),
        }
    }
    push(&mut result, &left_out, rest);
    let lines = result
        .text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    result.text = lines.collect::<Vec<_>>().join("\n");
    result
}

fn push(result: &mut Text, left_out: &Option<(String, usize)>, html: &str) {
    if left_out.is_none() {
        result.text += &entities(html);
    }
}

/// Text with its HTML entities decoded.
pub(crate) fn entities(text: &str) -> Cow<'_, str> {
    html_escape::decode_html_entities(text)
}

struct Tag {
    /// In lower case.
    name: String,
    is_end: bool,
    /// With its attributes.
    source: String,
    length: usize,
}

impl Tag {
    /// The tag, comment or declaration at the begin of `html`.
    fn at(html: &str) -> Option<Self> {
        let inside = &html[1..];
        if inside.starts_with("!--") {
            let end = inside.find("-->")?;
            return Some(Self::new("", false, 1 + end + "-->".len()));
        }
        let name = inside.strip_prefix('/').unwrap_or(inside);
        if !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '!') {
            return None;
        }
        let end = inside.find('>')?;
        Some(Self::new(
            &inside[..end],
            inside.starts_with('/'),
            1 + end + 1,
        ))
    }

    fn new(source: &str, is_end: bool, length: usize) -> Self {
        let name = source.trim_start_matches('/');
        let end = name.find(|letter: char| letter.is_whitespace() || letter == '/');
        Self {
            name: name[..end.unwrap_or(name.len())].to_ascii_lowercase(),
            is_end,
            source: source.to_owned(),
            length,
        }
    }

    /// The text of an emoticon of Weibo, which is a picture: `<img alt=[泪]>`.
    fn emoticon(&self) -> Option<&str> {
        let (_, text) = (self.source.split_once(" alt=")).filter(|_| self.name == "img")?;
        let text = text.trim_start_matches(['"', '\'']);
        let (inside, _) = text.strip_prefix('[')?.split_once(']')?;
        let is_name = !inside.contains(['"', '\'', '=']);
        is_name.then(|| &text[..inside.len() + "[]".len()])
    }

    fn is_left_out(&self) -> bool {
        let name = self.name.as_str();
        // Mastodon writes the address of a quoted post into a paragraph of this class.
        QUOTATIONS.contains(&name)
            || INVISIBLE.contains(&name)
            || self.source.contains("quote-inline")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_lines_stay() {
        for (html, expected) in [
            ("<p>a &amp; b</p><p>c<br />d</p>", "a & b\nc\nd"),
            ("i <3 u, a < b > c", "i <3 u, a < b > c"),
            (
                "<a href=\"x\"><span class=\"invisible\">https://</span><span>example.org</span></a> x",
                "https://example.org x",
            ),
            ("a<!-- <p>no</p> -->b<script>var c;</script>", "ab"),
            ("cut <a href=\"x", "cut <a href=\"x"),
            ("&amp;lt;p&amp;gt;", "&lt;p&gt;"),
            ("<P>é</P >", "é"),
        ] {
            assert_eq!(text(html).text, expected, "{html}");
        }
    }

    #[test]
    fn emoticons_of_weibo_were_lost() {
        for (html, expected) in [
            (
                r#"好<span class="url-icon"><img alt=[泪] src="a.png" style="width:1em;" /></span>"#,
                "好[泪]",
            ),
            (r#"好<img alt="[赞]" src=x>啊"#, "好[赞]啊"),
            (r#"<img src="a.png" alt="a [small] cat">"#, ""),
            (r#"<blockquote><img alt=[泪]></blockquote>好"#, "好"),
            (r#"<img alt="[" title="]">"#, ""),
        ] {
            assert_eq!(text(html).text, expected, "{html}");
        }
    }

    #[test]
    fn quotations_are_left_out() {
        let html = "<blockquote>a<blockquote>b</blockquote>c</blockquote><p>mine</p><p class=\"quote-inline\">RE: x</p>";
        let expected = Text {
            text: "mine".to_owned(),
            had_quotation: true,
        };
        assert_eq!(text(html), expected);
    }

    #[test]
    fn words_were_glued_at_tags() {
        for (html, expected) in [
            (
                "<p>He said<blockquote>no</blockquote>I agree</p>",
                "He said\nI agree",
            ),
            (
                "<h3>Title</h3>text<table><tr><td>One</td><td>Two</td></tr></table>",
                "Title\ntext\nOne\nTwo",
            ),
            ("<dl><dt>tea</dt><dd>hot</dd></dl>", "tea\nhot"),
            (
                "a<pre>b</pre>c<hr>d<section>e</section>f",
                "a\nb\nc\nd\ne\nf",
            ),
            ("un<b>break</b>able", "unbreakable"),
        ] {
            assert_eq!(text(html).text, expected, "{html}");
        }
    }

    #[test]
    fn tags_without_an_end_took_quadratic_time() {
        let start = std::time::Instant::now();
        for begin in ["<a", "<!--", "<!-- >"] {
            let html = begin.repeat((1 << 20) / begin.len());
            assert_eq!(text(&html).text.len(), html.trim().len(), "{begin}");
        }
        // Linear time is a fraction of a second, quadratic time far more than this.
        assert!(start.elapsed().as_secs() < 60);
    }

    #[test]
    fn fuzz_html() {
        let html = "<p>a &amp; b<br/><!-- no --><a href=\"x\">é</a></p><blockquote>q</blockquote>";
        fuzzing::fuzz("HTML", &[html], |bytes| {
            text(&String::from_utf8_lossy(bytes));
        });
    }
}
