//! The data that Facebook and Instagram send the owner of an account, as JSON.

use std::borrow::Cow;
use std::io;

use model_core::language::is_han;
use serde_json::Value;

use crate::files::{base, folder_outside};
use crate::json::{each_record, text};
use crate::owners::Owners;
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, labels, time};

/// A folder or zip archive with `message_1.json` of each chat, posts and comments.
pub(crate) struct Facebook;

/// Messages; comments and posts, also in groups; comments on reels of Instagram; posts, and comments of Instagram.
const PATHS: [&str; 7] = [
    "messages/*",
    "comments_v2/*",
    // Of older archives.
    "comments/*",
    "group_comments_v2/*",
    "group_posts_v2/*",
    "comments_reels_comments/*",
    "*",
];
/// The folders of an archive in which posts, comments and profiles are.
const FOLDERS: [&str; 12] = [
    "your_facebook_activity",
    "your_instagram_activity",
    "personal_information",
    "profile_information",
    "profile",
    "posts",
    "comments",
    "comments_and_reactions",
    "groups",
    "content",
    "media",
    "threads",
];
/// The texts of a reaction in several languages.
const LIKES: [&str; 7] = [
    "Liked a message",
    "Gefällt eine Nachricht",
    "A aimé un message",
    "Le gustó un mensaje",
    "Ha messo \"Mi piace\" a un messaggio",
    "Curtiu uma mensagem",
    "Vindt een bericht leuk",
];
/// What stands before and behind the emoji of a reaction.
const REACTIONS: [(&str, &str); 8] = [
    ("Reacted ", " to your message"),
    ("Reacted ", " to your story"),
    ("Hat mit ", " auf deine Nachricht reagiert"),
    ("A réagi avec ", " à votre message"),
    ("Reaccionó con ", " a tu mensaje"),
    ("Ha reagito con ", " al tuo messaggio"),
    ("Reagiu com ", " à sua mensagem"),
    ("Reageerde met ", " op je bericht"),
];
/// Whole texts that nobody wrote, in English.
const NOTICES: [&str; 7] = [
    "You are now connected on Messenger.",
    "You can now message and call each other and see info like Active Status and when you've read messages.",
    "The video chat ended.",
    "The audio call ended.",
    "Video chat ended",
    "Audio call ended",
    "This poll is no longer available.",
];
/// The same, before and behind a name.
const NOTICES_WITH_NAMES: [(&str, &str); 2] = [
    ("Say hi to your new Facebook friend, ", "."),
    (
        "",
        " wasn't notified about this message because they're in quiet mode.",
    ),
];
/// What deleted accounts are called besides "Facebook" or "Instagram", in small letters.
const DELETED: [&str; 39] = [
    "user",
    "nutzer",
    "nutzer*in",
    "nutzer:in",
    "utilisateur",
    "utilisateur de",
    "utilisateur d’",
    "utilisateur d'",
    "usuario",
    "usuario de",
    "usuari de",
    "utente",
    "utente di",
    "usuário",
    "usuário do",
    "utilizador",
    "utilizador do",
    "gebruiker",
    "användare",
    "bruger",
    "bruker",
    "käyttäjä",
    "użytkownik",
    // "Facebooka"
    "użytkownik a",
    "uživatel",
    "uživatel u",
    "felhasználó",
    "utilizator",
    "kullanıcısı",
    "пользователь",
    "користувач",
    "χρήστης",
    "người dùng",
    "pengguna",
    "用户",
    "用戶",
    "使用者",
    "ユーザー",
    "사용자",
];
/// The owner of the account, where it is the subject of an event; in Spanish and Italian the verb alone.
const PRONOUNS: [&str; 10] = [
    "You", "Du", "Vous", "Tu", "Você", "Je", "Has", "Hai", "你", "您",
];
/// What may stand between subject and event.
const AUXILIARIES: [&str; 8] = ["hat", "hast", "a", "as", "avez", "ha", "hebt", "heeft"];
/// What the sender did with another, before and behind the name: "Ann added Ben to the group."
const EVENTS_WITH_NAMES: [(&str, &str); 4] = [
    ("added ", " to the group."),
    ("removed ", " from the group."),
    ("added ", " as a group admin."),
    ("removed ", " as a group admin."),
];
/// How texts about what the sender did go on. Those with a full stop end there.
const EVENTS: &[&str] = &[
    "sent an attachment.",
    "sent a photo.",
    "sent a video.",
    "sent a voice message.",
    "sent a location.",
    "sent a live location.",
    "set the nickname for ",
    "set your nickname to ",
    "set his own nickname to ",
    "set her own nickname to ",
    "set their own nickname to ",
    "cleared the nickname for ",
    "cleared your nickname.",
    "changed the theme to ",
    "changed the chat theme",
    "changed the chat colors.",
    "changed the group photo.",
    "changed the group name",
    "set the emoji to ",
    "set the quick reaction to ",
    "named the group ",
    "created the group.",
    "created a poll",
    "voted for \"",
    "started a call.",
    "started a video chat.",
    "started an audio call.",
    "missed a call from ",
    "missed a video chat with ",
    "missed your call.",
    "missed your video chat.",
    "called you.",
    "joined the call.",
    "joined the video chat.",
    "joined the group.",
    "started sharing video.",
    "shared a story.",
    "waved at you.",
    "turned on vanish mode.",
    "turned off vanish mode.",
    "turned on disappearing messages",
    "turned off disappearing messages",
    "turned on member approval",
    "turned off member approval",
    "pinned a message.",
    "unpinned a message.",
    "unsent a message.",
    "left the group.",
    "einen Anhang gesendet.",
    "ein Foto gesendet.",
    "den Spitznamen für ",
    "deinen Spitznamen ",
    "das Design zu ",
    "das Thema zu ",
    "die Gruppe verlassen.",
    "die Gruppe erstellt.",
    "die Gruppe benannt",
    "das Gruppenfoto geändert.",
    "eine Umfrage erstellt",
    "einen Anruf gestartet.",
    "envoyé une pièce jointe.",
    "changé le thème ",
    "nommé le groupe ",
    "quitté le groupe.",
    "enviado un archivo adjunto.",
    "envió un archivo adjunto.",
    "cambió el tema ",
    "inviato un allegato.",
    "cambiato il tema ",
    "enviou um anexo.",
    "mudou o tema ",
    "een bijlage verzonden.",
    "het thema gewijzigd ",
    "傳送了附件",
    "发送了附件",
];
const ABOUT: About = About {
    name: "facebook",
    input: "the data of a Facebook or Instagram account as JSON: its zip file, its folder, or message_1.json, your_posts_1.json, posts_1.json, comments.json or post_comments_1.json of it",
    reads: "messages, grouped by `sender_name`; posts and comments of the owner",
    labels: &[],
    leaves_out: "messages of the system and about what somebody did; reactions; calls; unsent messages; messages of deleted accounts",
};

impl Format for Facebook {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        let name = base(file.name());
        if !file.may_be(&["json"]) {
            return false;
        }
        let begins = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
        file.has_record(&PATHS, |record| {
            let is_dated = record["timestamp"].is_number();
            is_message(record)
                || is_comment(record)
                || (is_dated && begins(&["your_posts", "group_posts"]))
                || (record["media"].is_array() && begins(&["posts_"]))
                || (is_dated && !record["data"][0]["comment"].is_null())
        })
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        let names = accepted(self, files)?;
        let owners = owners(files)?;
        for name in names {
            // The zip files of one account become several folders, of which one has the profile.
            let owner = owners.only().unwrap_or_else(|| owners.of(files, &name));
            let place = files.place(&name);
            let participants = participants(&mut Candidate::new(files, &name));
            each_record(
                files,
                &name,
                &PATHS,
                grouping,
                &mut |grouping, path, record| match PATHS[path] {
                    _ if is_message(record) => add_message(grouping, record, &participants),
                    "messages/*" => {
                        let what = format!("{place}: a message without sender_name or time");
                        grouping.bad_record(&what)
                    }
                    _ => add_post(grouping, &owner, record),
                },
            )?;
        }
        Ok(())
    }
}

/// Messages have other names where they are encrypted from end to end.
fn is_message(record: &Value) -> bool {
    (record["sender_name"].is_string() && record["timestamp_ms"].is_number())
        || (record["senderName"].is_string() && record["timestamp"].is_number())
}

/// Whether a record is a comment on Instagram.
fn is_comment(record: &Value) -> bool {
    record["string_map_data"]["Comment"]["value"].is_string()
}

fn add_message(
    grouping: &mut Grouping<'_>,
    message: &Value,
    participants: &[String],
) -> io::Result<()> {
    let either = |one: &str, other: &str| text(&message[one]) + &text(&message[other]);
    let words = repaired(&either("content", "text")).into_owned();
    let sender = repaired(&either("sender_name", "senderName")).into_owned();
    let said = words.trim();
    let is_name = |text: &str| is_name(text, participants);
    let is_said = is_reaction(said) || is_notice(said, is_name) || is_event(said, &sender, is_name);
    let is_system = matches!(
        message["type"].as_str(),
        Some("Subscribe" | "Unsubscribe" | "Call")
    );
    let is_unsent = message["is_unsent"] == true || message["isUnsent"] == true;
    if is_unsent || is_deleted(&sender) {
        grouping.counts().deleted += 1;
        return Ok(());
    }
    if is_said || is_system || !message["call_duration"].is_null() {
        grouping.counts().system += 1;
        return Ok(());
    }
    labels::keep(grouping, &sender, message);
    grouping.add(Post {
        user: &sender,
        time: time::time(&either("timestamp_ms", "timestamp")),
        text: words,
        ..Post::default()
    })
}

/// All deleted accounts are called so: "Facebook user", "Instagram User", "Facebook-Nutzer", "Utilisateur Facebook".
fn is_deleted(sender: &str) -> bool {
    let sender = sender.to_lowercase();
    let others = ["facebook", "instagram"]
        .iter()
        .find_map(|name| sender.split_once(name));
    others.is_some_and(|(before, after)| {
        let word = format!("{before}{after}");
        DELETED.contains(&word.trim_matches([' ', '-']))
    })
}

/// Whether a text says that the sender reacted to a message or a story.
fn is_reaction(text: &str) -> bool {
    // Some signs, such as that of blood group B, are letters.
    let is_emoji = |between: &str| between.chars().filter(|sign| sign.is_alphabetic()).count() < 2;
    LIKES.contains(&text) || between(text, &REACTIONS).any(is_emoji)
}

fn is_notice(text: &str, is_name: impl Fn(&str) -> bool) -> bool {
    NOTICES.contains(&text) || between(text, &NOTICES_WITH_NAMES).any(&is_name)
}

/// Whether a text says what its sender did, such as "Ann Lee sent an attachment." and "Du hast einen Anhang gesendet."
fn is_event(text: &str, sender: &str, is_name: impl Fn(&str) -> bool) -> bool {
    let first_name = sender.split(' ').next().unwrap_or_default();
    let subjects = [sender, first_name].into_iter().chain(PRONOUNS);
    // Chinese has no spaces between words.
    let is_whole = |rest: &&str| rest.starts_with(|next| next == ' ' || is_han(next));
    let after_subject = subjects.filter_map(|subject| text.strip_prefix(subject));
    let mut after_subject = after_subject.filter(is_whole);
    after_subject.any(|rest| {
        let rest = rest.trim_start();
        let after_verb = (rest.split_once(' ')).filter(|(verb, _)| AUXILIARIES.contains(verb));
        let said = after_verb.map_or(rest, |(_, said)| said);
        let is_event = |event: &&str| match event.strip_suffix('.') {
            // Instagram leaves the full stop out.
            Some(event) => said.trim_end_matches('.') == event,
            None => said.starts_with(event),
        };
        EVENTS.iter().any(is_event) || between(rest, &EVENTS_WITH_NAMES).any(&is_name)
    })
}

/// What stands in a text between one of some beginnings and its ending.
fn between<'t>(text: &'t str, around: &[(&str, &str)]) -> impl Iterator<Item = &'t str> {
    (around.iter()).filter_map(move |(start, end)| text.strip_prefix(start)?.strip_suffix(end))
}

/// Whether a text may be the name of a person, or "Ben Cho and 2 others". The participants lack those who have left, so any words
/// that do not start with small letters may be a name; "You added me to the group." is a sentence of the sender.
fn is_name(text: &str, participants: &[String]) -> bool {
    let is_participant = participants
        .iter()
        .any(|name| name == text || name.split(' ').next() == Some(text));
    let is_small = |word: &str| word.starts_with(char::is_lowercase);
    let is_in_name = |word: &str| !is_small(word) || ["and", "other", "others"].contains(&word);
    let is_in_capitals = !is_small(text) && text.split(' ').all(is_in_name);
    text == "you" || is_participant || is_in_capitals && !text.contains(['\n', '.', '!', '?'])
}

/// The names of those who are in a chat.
fn participants(chat: &mut Candidate<'_>) -> Vec<String> {
    let people = chat.first_record(&["participants"]);
    let people = people.as_array().into_iter().flatten();
    // Names alone where messages are encrypted from end to end.
    let names = people.filter_map(|person| person.as_str().or(person["name"].as_str()));
    names.map(|name| repaired(name).into_owned()).collect()
}

/// Adds a post or comment of the owner.
fn add_post(grouping: &mut Grouping<'_>, owner: &str, record: &Value) -> io::Result<()> {
    let mut words = Vec::new();
    for data in record["data"].as_array().into_iter().flatten() {
        words.extend(data["post"].as_str());
        words.extend(data["comment"]["comment"].as_str());
    }
    words.extend(record["string_map_data"]["Comment"]["value"].as_str());
    if words.is_empty() {
        let attached = record["attachments"].as_array().into_iter().flatten();
        let data = attached.filter_map(|attached| attached["data"].as_array());
        let captions = data
            .flatten()
            .filter_map(|data| data["media"]["description"].as_str());
        words.extend(captions);
        // Several pictures may have the caption of the post.
        words.dedup();
    }
    // The caption of a post with one picture is the picture's.
    let media = record["media"].as_array().map_or(&[][..], Vec::as_slice);
    let caption = [record]
        .into_iter()
        .chain(media)
        .filter(|_| !record["media"].is_null());
    words.extend(
        caption
            .filter_map(|item| item["title"].as_str())
            .find(|title| !title.is_empty()),
    );
    let times = [
        &record["timestamp"],
        &record["creation_timestamp"],
        &record["string_map_data"]["Time"]["timestamp"],
        &record["media"][0]["creation_timestamp"],
    ];
    grouping.add(Post {
        user: owner,
        time: times.into_iter().find_map(time::of),
        text: repaired(&words.join("\n")).into_owned(),
        ..Post::default()
    })
}

/// The text that these programs have written byte by byte: they write the two bytes of "é" as the characters "Ã" and "©".
fn repaired(text: &str) -> Cow<'_, str> {
    let bytes: Option<Vec<u8>> = text
        .chars()
        .map(|letter| u8::try_from(letter).ok())
        .collect();
    match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(repaired) => Cow::Owned(repaired),
        None => Cow::Borrowed(text),
    }
}

/// The names of the owners, which are the senders of their messages.
fn owners(files: &mut dyn Files) -> io::Result<Owners> {
    Owners::find(
        files,
        |name| folder_outside(name, &FOLDERS),
        |files, name| {
            let profiles = ["profile_information.json", "personal_information.json"];
            if !profiles.contains(&&*base(name)) {
                return Ok(None);
            }
            let profile =
                Candidate::new(files, name).first_record(&["profile_v2", "profile_user/*"]);
            let names = [
                &profile["name"]["full_name"],
                &profile["string_map_data"]["Name"]["value"],
            ];
            let owner = names.into_iter().find_map(Value::as_str);
            Ok(owner.map(|name| repaired(name).into_owned()))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn letters_were_two_and_messages_a_bad_record() {
        let message = |name: &str, time: u64, content: &str| json!({"sender_name": name, "timestamp_ms": time, "content": content});
        let with = |mut message: Value, key: &str, value: Value| {
            message[key] = value;
            message
        };
        let rene = "Ren\u{c3}\u{a9}";
        let chat = json!({"participants": [{"name": rene}, {"name": "Ann"}], "messages": [
            message(rene, 1_714_557_600_000, "caf\u{c3}\u{a9} \u{f0}\u{9f}\u{98}\u{80}?"),
            message("Ann", 1_714_557_500_000, "already café"),
            message("Ann", 1_714_557_500_000, "Reacted \u{e2}\u{9d}\u{a4} to your message"),
            with(message("Ann", 1, "Ann called you."), "call_duration", 0.into()),
            with(message("Ann", 1, "gone"), "is_unsent", true.into()),
            json!({"sender_name": "Ann", "timestamp_ms": 1, "photos": []}),
        ]});
        let encrypted = json!({"participants": ["Ann"], "messages": [
            {"senderName": "Ann", "timestamp": 1_714_557_400_000_u64, "text": "tea", "isUnsent": false}]});
        let posts = json!([
            {"timestamp": 1_714_557_300, "data": [{"post": "le th\u{c3}\u{a9}"}], "title": "Ren\u{c3}\u{a9} updated his status."},
            {"timestamp": 1_714_557_300, "attachments": []}]);
        let comments = json!({"comments_v2": [
            {"timestamp": 1_714_557_200, "data": [{"comment": {"comment": "nice", "author": rene}}], "title": "x"}]});
        let profile = json!({"profile_v2": {"name": {"full_name": rene}}});
        let files = [
            ("inbox/ann_1/message_1.json", chat.to_string()),
            ("e2ee/Ann_2.json", encrypted.to_string()),
            ("posts/your_posts_1.json", posts.to_string()),
            ("comments/comments.json", comments.to_string()),
            ("profile/profile_information.json", profile.to_string()),
        ];
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (*name, text.as_bytes()))
            .collect();
        let (received, counts) = read(&Facebook, &files);
        let expected = json!([
            {"id": "René", "posts": ["nice", "le thé", "café 😀?"]},
            {"id": "Ann", "posts": ["tea", "already café"]},
        ]);
        let mut users = received.json();
        users
            .as_array_mut()
            .unwrap()
            .sort_by_key(|user| std::cmp::Reverse(user["id"].to_string()));
        assert_eq!(users, expected);
        assert_eq!(
            (counts.system, counts.deleted, counts.without_text),
            (2, 1, 2)
        );
        assert!(received.bad_records.is_empty());
    }

    #[test]
    fn captions_and_comments_of_instagram_are_the_owners() {
        let posts = json!([
            {"media": [{"uri": "a.jpg", "creation_timestamp": 1_714_557_600, "title": "th\u{c3}\u{a9}"}]},
            {"media": [{"title": ""}, {"title": ""}], "title": "two pictures", "creation_timestamp": 1_714_557_500}]);
        let comment = |words: &str| json!({"string_map_data": {"Comment": {"value": words}, "Time": {"timestamp": 1_714_557_700}}});
        let reels = json!({"comments_reels_comments": [comment("a reel")]});
        let files = [
            ("content/posts_1.json", posts.to_string()),
            (
                "comments/post_comments_1.json",
                json!([comment("a post")]).to_string(),
            ),
            ("comments/reels_comments.json", reels.to_string()),
        ];
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (*name, text.as_bytes()))
            .collect();
        let (received, _) = read(&Facebook, &files);
        let posts = ["two pictures", "thé", "a post", "a reel"];
        assert_eq!(received.json(), json!([{"id": "me", "posts": posts}]));
    }

    #[test]
    fn archives_of_several_accounts_were_one_user() {
        let post = |text: &str| json!([{"timestamp": 1, "data": [{"post": text}]}]).to_string();
        let profile = |name: &str| json!({"profile_v2": {"name": {"full_name": name}}}).to_string();
        let files = [
            ("a/posts/your_posts_1.json", post("tea")),
            (
                "a/profile_information/profile_information.json",
                profile("Ann"),
            ),
            (
                "b/your_facebook_activity/posts/your_posts_1.json",
                post("rain"),
            ),
            (
                "b/personal_information/profile_information/profile_information.json",
                profile("Ben"),
            ),
            ("c/posts/your_posts_1.json", post("sun")),
        ];
        let files = files
            .each_ref()
            .map(|(name, text)| (*name, text.as_bytes()));
        let ids = |files: &[(&str, &[u8])]| {
            let (received, _) = read(&Facebook, files);
            let ids = received.users.iter().map(|user| user.fields["id"].clone());
            ids.collect::<Vec<_>>()
        };
        assert_eq!(ids(&files), ["Ann", "Ben", "c"]);
        // Parts of one archive.
        assert_eq!(ids(&[files[0], files[1], files[4]]), ["Ann"]);
        assert_eq!(ids(&[files[0], files[4]]), ["a", "c"]);
    }

    #[test]
    fn all_deleted_accounts_were_one_user() {
        for name in [
            "Facebook user",
            "Instagram User",
            "Facebook-Nutzer",
            "Utilisateur Facebook",
            "Usuario de Instagram",
            "Użytkownik Facebooka",
            "Facebook 用戶",
            "Facebookユーザー",
        ] {
            assert!(is_deleted(name), "{name}");
        }
        for name in ["Ann", "Facebook", "Facebook Help", "User"] {
            assert!(!is_deleted(name), "{name}");
        }
        let message =
            |name: &str| json!({"sender_name": name, "timestamp_ms": 1, "content": "tea"});
        let chat = json!({"messages": [message("Facebook user"), message("Ann")]}).to_string();
        let (received, counts) = read(&Facebook, &[("message_1.json", chat.as_bytes())]);
        assert_eq!(received.json(), json!([{"id": "Ann", "posts": ["tea"]}]));
        assert_eq!(counts.deleted, 1);
    }

    #[test]
    fn captions_of_pictures_were_lost() {
        let picture = |text: &str| json!({"media": {"uri": "a.jpg", "description": text}});
        let posts = json!([
            {"timestamp": 1, "data": [], "attachments": [{"data": [picture("caf\u{c3}\u{a9}"), picture("caf\u{c3}\u{a9}")]}]},
            {"timestamp": 2, "data": [{"post": "tea"}], "attachments": [{"data": [picture("tea")]}]},
            {"timestamp": 3, "attachments": [{"data": [{"media": {"uri": "a.jpg"}}]}]},
        ]);
        let (received, counts) = read(
            &Facebook,
            &[("your_posts_1.json", posts.to_string().as_bytes())],
        );
        assert_eq!(
            received.json(),
            json!([{"id": "me", "posts": ["café", "tea"]}])
        );
        assert_eq!(counts.without_text, 1);
    }

    #[test]
    fn messages_of_another_shape_were_posts_without_text() {
        let chat = json!({"messages": [
            {"sender_name": "Ann", "timestamp_ms": 1, "content": "tea"}, {"from": "Ben", "content": "rain"}]});
        let (received, counts) = read(
            &Facebook,
            &[("message_1.json", chat.to_string().as_bytes())],
        );
        assert_eq!(received.json(), json!([{"id": "Ann", "posts": ["tea"]}]));
        assert_eq!((counts.without_text, received.bad_records.len()), (0, 1));
    }

    #[test]
    fn comments_of_older_archives_were_no_posts() {
        let comments = json!({"comments": [
            {"timestamp": 1, "data": [{"comment": {"timestamp": 1, "comment": "nice one", "author": "Ann Lee"}}]}]});
        let (received, _) = read(
            &Facebook,
            &[("comments.json", comments.to_string().as_bytes())],
        );
        assert_eq!(
            received.json(),
            json!([{"id": "me", "posts": ["nice one"]}])
        );
    }

    #[test]
    fn what_the_sender_did_was_what_they_wrote() {
        let events = [
            "Ann Lee sent an attachment.",
            "Ann set the nickname for Ben to Benny.",
            "You sent an attachment.",
            "Ann Lee changed the theme to Love.",
            "Ann hat einen Anhang gesendet.",
            "Du hast einen Anhang gesendet.",
            "Has enviado un archivo adjunto.",
            "Reacted ❤ to your message ",
            "Gefällt eine Nachricht",
        ];
        let words = [
            "Ann is my name",
            "He sent an attachment.",
            "Ben changed the theme to Love.",
        ];
        let texts = events.iter().chain(&words);
        let messages =
            texts.map(|text| json!({"sender_name": "Ann Lee", "timestamp_ms": 1, "content": text}));
        let chat = json!({"messages": messages.collect::<Value>()}).to_string();
        let (received, counts) = read(&Facebook, &[("message_1.json", chat.as_bytes())]);
        assert_eq!(received.json(), json!([{"id": "Ann Lee", "posts": words}]));
        assert_eq!(counts.system, events.len() as u64);
    }

    #[test]
    fn texts_of_the_system_in_english_were_the_senders_words() {
        let texts_of_system = [
            "Ann added Ben to the group.",
            "Ann Lee added you to the group.",
            "You added Ben Cho and 2 others to the group.",
            "Ann removed Ben from the group.",
            "You are now connected on Messenger.",
            "Say hi to your new Facebook friend, Ben.",
            "Ben wasn't notified about this message because they're in quiet mode.",
            "ben.cho wasn't notified about this message because they're in quiet mode.",
            "Ann shared a story.",
            "Reacted ❤ to your story",
            "Reacted ❤️ to your story ",
            "The video chat ended.",
            "Video chat ended",
            "You started an audio call",
            "Ann joined the video chat.",
            "Reacted \u{1F171}\u{FE0F} to your message",
        ];
        let words = [
            "You added me to the group.",
            "She added Ben to the group.",
            "Ann shared a story. It was long",
            "Reacted badly to your message",
            "Jeff called you.",
            "Annabel joined the call",
            "You just called you",
            "You guys left the group",
            "I think Ben wasn't notified about this message because they're in quiet mode.",
            "he wasn't notified about this message because they're in quiet mode.",
            "I hope the video chat ended.",
            "You are now connected on Messenger. Say hi!",
        ];
        let message = |(text, call): (&&str, Value)| json!({"sender_name": "Ann Lee", "timestamp_ms": 1, "content": text, "call_duration": call});
        let people = json!([{"name": "Ann Lee"}, {"name": "ben.cho"}]);
        let texts = texts_of_system.iter().chain(&words);
        let call = [(&"The video chat ended.", json!(12))];
        let messages = texts
            .map(|text| (text, Value::Null))
            .chain(call)
            .map(message);
        let chat =
            json!({"participants": people, "messages": messages.collect::<Value>()}).to_string();
        let (received, counts) = read(&Facebook, &[("message_1.json", chat.as_bytes())]);
        assert_eq!(received.json(), json!([{"id": "Ann Lee", "posts": words}]));
        assert_eq!(counts.system, texts_of_system.len() as u64 + 1);
    }

    #[test]
    fn names_of_encrypted_chats_were_not_read() {
        let notice = "ben.cho wasn't notified about this message because they're in quiet mode.";
        let message = |text: &str| json!({"senderName": "Ann Lee", "timestamp": 1, "text": text});
        let chat = json!({
            "participants": ["Ann Lee", "ben.cho"],
            "messages": [message("tea?"), message(notice)],
        });
        let (received, counts) = read(&Facebook, &[("Ann_1.json", chat.to_string().as_bytes())]);
        assert_eq!(
            received.json(),
            json!([{"id": "Ann Lee", "posts": ["tea?"]}])
        );
        assert_eq!(counts.system, 1);
    }
}
