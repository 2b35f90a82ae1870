//! How much each word of a text speaks for or against one class, prepared for the page.

use std::ops::Range;

use model_core::attribute::Attribute;
use model_core::explanation::{Explanation, ReadWord, sum_by_word};

/// A class whose evidence can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The attribute's name.
    pub attribute: String,
    /// The class's name.
    pub class: String,
    /// Whether it is a coarse class.
    pub is_coarse: bool,
}

/// The targets of an attribute: its coarse classes, which are shown first, and its classes.
pub fn targets(attribute: &Attribute) -> Vec<Target> {
    let target = |class: &String, is_coarse| Target {
        attribute: attribute.name.clone(),
        class: class.clone(),
        is_coarse,
    };
    let coarse_classes = attribute.coarse_classes.iter();
    coarse_classes
        .map(|coarse_class| target(&coarse_class.label, true))
        .chain(attribute.classes.iter().map(|class| target(class, false)))
        .collect()
}

/// How much each word adds to the log-odds of a target, in nats; `None` if the explanation lacks the target.
pub fn weights<'a>(explanation: &'a Explanation, target: &Target) -> Option<&'a [f32]> {
    let attribute = explanation.attributes.get(&target.attribute)?;
    let values = match target.is_coarse {
        true => attribute.coarse.as_ref()?,
        false => &attribute.classes,
    };
    values.get(&target.class).map(Vec::as_slice)
}

/// A piece of a post: a word, or the text between two words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its text.
    pub text: String,
    /// The index of the word; `None` for text between words.
    pub word: Option<usize>,
}

/// The posts, each split into the words that the model read and the text between them.
pub fn pieces(posts: &[String], words: &[ReadWord]) -> Vec<Vec<Piece>> {
    let mut words = words.iter().enumerate().peekable();
    let split = |(number, post): (usize, &String)| {
        let mut pieces = Vec::new();
        let mut end = 0;
        let mut push = |range: Range<usize>, word| {
            if let Some(text) = post.get(range).filter(|text| !text.is_empty()) {
                let text = text.into();
                pieces.push(Piece { text, word });
            }
        };
        while let Some((index, word)) = words.next_if(|(_, word)| word.post == number) {
            push(end..word.start, None);
            push(word.start..word.end, Some(index));
            end = word.end;
        }
        push(end..post.len(), None);
        pieces
    };
    posts.iter().enumerate().map(split).collect()
}

/// The `count` words with the largest weights for a target, and those with the largest against it, strongest first. The
/// weights of a word that occurs several times are summed; words that differ only in case are one.
pub fn strongest(
    posts: &[String],
    words: &[ReadWord],
    weights: &[f32],
    count: usize,
) -> [Vec<(String, f32)>; 2] {
    let sums = sum_by_word(posts, words, weights);
    // A word that is shown as ×1.0 speaks neither for nor against.
    let speaking = |(_, sum): &&(String, f32)| factor(sum.abs()) != factor(0.0);
    [
        sums.iter()
            .take_while(|(_, sum)| *sum > 0.0)
            .filter(speaking)
            .take(count)
            .cloned()
            .collect(),
        sums.iter()
            .rev()
            .take_while(|(_, sum)| *sum < 0.0)
            .filter(speaking)
            .take(count)
            .cloned()
            .collect(),
    ]
}

/// The `count` posts whose words weigh most for a target together, strongest first: the place of each post and the sum of the
/// weights of its words.
pub fn strongest_posts(words: &[ReadWord], weights: &[f32], count: usize) -> Vec<(usize, f32)> {
    let mut sums: Vec<(usize, f32)> = Vec::new();
    for (word, weight) in words.iter().zip(weights) {
        match sums.last_mut() {
            Some((post, sum)) if *post == word.post => *sum += weight,
            _ => sums.push((word.post, *weight)),
        }
    }
    // A post that is shown as ×1.0 does not speak for it.
    sums.retain(|(_, sum)| *sum > 0.0 && factor(*sum) != factor(0.0));
    sums.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    sums.truncate(count);
    sums
}

/// A weight in nats as the page shows it: the factor by which the words multiply the odds.
pub fn factor(nats: f32) -> String {
    let factor = nats.exp();
    if factor < 0.1 {
        "×<0.1".into()
    } else if factor < 9.95 {
        format!("×{factor:.1}")
    } else if factor < 999.5 {
        format!("×{factor:.0}")
    } else {
        "×>999".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(post: usize, range: Range<usize>) -> ReadWord {
        ReadWord {
            post,
            start: range.start,
            end: range.end,
            known: true,
        }
    }

    #[test]
    fn posts_are_cut_at_their_words() {
        let posts = ["oh, ¡no!".to_owned(), "…".into(), "yes".into()];
        let words = [word(0, 0..2), word(0, 6..8), word(2, 0..3)];
        let piece = |text: &str, word| Piece {
            text: text.into(),
            word,
        };
        assert_eq!(
            pieces(&posts, &words),
            [
                vec![
                    piece("oh", Some(0)),
                    piece(", ¡", None),
                    piece("no", Some(1)),
                    piece("!", None)
                ],
                vec![piece("…", None)],
                vec![piece("yes", Some(2))],
            ]
        );
        assert_eq!(pieces(&[], &[]), Vec::<Vec<Piece>>::new());
    }

    #[test]
    fn the_strongest_words_come_first() {
        let posts = ["No no yes so".to_owned()];
        let words = [word(0, 0..2), word(0, 3..5), word(0, 6..9), word(0, 10..12)];
        let [speaks_for, against] = strongest(&posts, &words, &[0.2, 0.3, -1.0, 0.001], 5);
        assert_eq!(speaks_for, [("no".to_owned(), 0.5)]);
        assert_eq!(against, [("yes".to_owned(), -1.0)]);
    }

    #[test]
    fn the_strongest_posts_are_those_with_the_largest_sums() {
        let words = [0, 0, 1, 2, 2, 3].map(|post| word(post, 0..1));
        let weights = [0.5, 0.25, -1.0, 1.5, -0.25, 0.001];
        assert_eq!(strongest_posts(&words, &weights, 5), [(2, 1.25), (0, 0.75)]);
        assert_eq!(strongest_posts(&words, &weights, 1), [(2, 1.25)]);
        assert_eq!(strongest_posts(&[], &[], 1), []);
    }

    #[test]
    fn factors_are_short() {
        assert_eq!(
            [0.0, 0.7, -0.7, 3.0, 20.0, -9.0].map(factor),
            ["×1.0", "×2.0", "×0.5", "×20", "×>999", "×<0.1"]
        );
    }
}
