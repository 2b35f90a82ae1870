//! Page and widget split long work into the chunks that the worker asks for.

use crate::browser::Page;

/// A script that records the requests to a page's workers. It runs before any script of the page.
pub const RECORD: &str = "
    window.chunks = [];
    window.Worker = class extends Worker {
        constructor(...given) {
            super(...given);
            this.addEventListener('message', ({ data }) => {
                const [reply] = Object.values(JSON.parse(data));
                if (reply?.chunk) this.wanted = reply.chunk;
            });
        }
        postMessage(message) {
            // The page gives its files to another worker.
            if (typeof message !== 'string') return super.postMessage(message);
            const { predict } = JSON.parse(message);
            if (predict) {
                // A string's iterator gives characters; its length counts UTF-16 units.
                const lengths = predict.users.map(posts => [...posts.join('')].length);
                chunks.push([lengths, this.wanted.users, this.wanted.characters, predict.ahead]);
            }
            super.postMessage(message);
        }
    };
";

/// Checks the recorded chunks of work on users whose posts have these lengths.
pub async fn are_as_wanted(page: &Page, lengths: &[usize]) {
    let chunks = page.script("return window.chunks").await;
    // The lengths of the users' posts, the numbers of users and characters requested, and the characters announced to follow.
    let chunks: Vec<(Vec<usize>, usize, usize, f64)> =
        serde_json::from_value(chunks).expect("they were recorded");
    assert!(chunks.len() > 2, "{} chunks", chunks.len());
    let mut left = lengths;
    for (chunk, users, characters, ahead) in &chunks {
        let (asked, rest) = left.split_at(chunk.len());
        assert_eq!(chunk, asked);
        left = rest;
        let full =
            |chunk: &[usize]| chunk.len() >= *users || chunk.iter().sum::<usize>() >= *characters;
        let wanted = format!("{chunk:?}: {users} users or {characters} characters wanted");
        assert!(full(chunk) || left.is_empty(), "too small: {wanted}");
        assert!(!full(&chunk[..chunk.len() - 1]), "too large: {wanted}");
        // The page estimates it from the bytes of the file that are left.
        let follow: usize = left.iter().sum();
        assert!(
            (ahead - follow as f64).abs() <= 0.02 * follow as f64 + 100.0,
            "{ahead} instead of {follow} characters ahead"
        );
    }
    assert!(left.is_empty(), "{} users were not asked about", left.len());
}

/// Made-up posts of Chinese users, one a user, each about 400 characters long.
pub fn chinese_posts() -> Vec<String> {
    let sentence = "明天还有两门考试，书一页都没翻开😭。";
    (0..600)
        .map(|user| sentence.repeat(20 + user % 5))
        .collect()
}
