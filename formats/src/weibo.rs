//! Separates a writer's own words in a post of Weibo from those of others.

use model_core::corpus::Columns;

use crate::Candidate;

/// Whether a table has a column of users, which files of one user have only if they were put together.
pub(crate) fn names_users(file: &mut Candidate<'_>) -> bool {
    let places = Columns::default().places(&file.columns());
    places.is_ok_and(|places| places.user.is_some())
}

/// Weibo's text of a repost without own words.
const DEFAULT_COMMENTS: [&str; 6] = [
    "转发微博",
    "轉發微博",
    "转发",
    "轉發",
    "repost",
    "转发理由:",
];

/// A post without the words of others.
pub(crate) struct Own {
    pub(crate) text: String,
    /// Whether nothing was left of a repost; the text is then the whole.
    pub(crate) is_repost: bool,
    /// Whether words of others were cut off and own words are left.
    pub(crate) had_quotation: bool,
}

/// The writer's words in a text without HTML: those before the chain of comments `//@name: …` of a repost. `is_repost` says
/// that the post is one.
pub(crate) fn own_words(text: &str, is_repost: bool) -> Own {
    let end = ["//@", "// @"]
        .iter()
        .filter_map(|mark| text.find(mark))
        .min();
    let own = text[..end.unwrap_or(text.len())].trim();
    // Corpora may be segmented by spaces.
    let compact = own.split_whitespace().collect::<String>().to_lowercase();
    let is_default = own.is_empty() || DEFAULT_COMMENTS.contains(&compact.as_str());
    let is_pure = is_default && (is_repost || end.is_some() || !own.is_empty());
    Own {
        text: if is_pure { text.trim() } else { own }.to_owned(),
        is_repost: is_pure,
        had_quotation: !is_pure && end.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_unknown;

    #[test]
    fn tables_of_several_users_with_other_columns_of_users_were_one_user() {
        for user in [
            "uid",
            "User ID",
            "用户",
            "用户 id",
            "作者id",
            "博主昵称",
            "screen_name",
            "author",
        ] {
            assert_unknown(
                "a.csv",
                &format!("{user},id,bid,正文\n7,1,a,早安\n8,2,b,晚安\n"),
            );
            assert_unknown(
                "a.csv",
                &format!("微博id,微博正文,{user}\na,早安,7\nb,晚安,8\n"),
            );
        }
    }

    #[test]
    fn chains_of_comments_and_default_comments_are_not_the_writers() {
        for (text, is_repost, expected, is_pure) in [
            ("笑死 //@小红:真的吗//@小明:是", true, "笑死", false),
            (
                "转发微博 //@小红:真的吗",
                false,
                "转发微博 //@小红:真的吗",
                true,
            ),
            ("转发微博", true, "转发微博", true),
            ("Repost", false, "Repost", true),
            ("", true, "", true),
            ("", false, "", false),
            ("今天加班", true, "今天加班", false),
            (
                "看 https://example.org/@a &gt; 好",
                false,
                "看 https://example.org/@a &gt; 好",
                false,
            ),
        ] {
            let own = own_words(text, is_repost);
            assert_eq!(
                (own.text.as_str(), own.is_repost),
                (expected, is_pure),
                "{text}"
            );
        }
        assert!(own_words("笑死 //@小红:真的", true).had_quotation);
    }
}
