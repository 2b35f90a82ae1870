//! The run over a file of many writers: its results, its chunks and its end.

use std::time::Duration;

use serde_json::json;
use tests::{
    browser::{LATE, Page, SOON, Visit},
    chunks::{RECORD, are_as_wanted, chinese_posts},
    driver::Browser,
    predict_all, same,
};

use crate::{cells, damaged, is_best, refused, text, with_script};

#[test]
fn the_table_holds_the_predictions_of_the_command_line() {
    Visit::default().run(async |page| {
        page.ready().await;
        let users = users(50);
        page.give("writers.jsonl", &users).await;
        done(&page, 50).await;
        let heading = text(&page, "//section[@aria-labelledby='file']/h2").await;
        assert_eq!(heading, "Writers in writers.jsonl");
        let rows = rows(&page).await;
        assert_eq!(rows[0], ["Writer", "Words", "Profession", "Age", "Gender"]);
        let predicted = predict_all(&users);
        assert_eq!(rows.len(), 1 + predicted.len());
        for (row, predicted) in rows[1..].iter().zip(&predicted) {
            let id = predicted["id"]
                .as_str()
                .map_or_else(|| predicted["id"].to_string(), String::from);
            assert_eq!(row[..2], [id, predicted["words"].to_string()]);
            for (cell, attribute) in row[2..].iter().zip(["profession", "age", "gender"]) {
                is_best(cell, &predicted["predictions"][attribute]);
            }
        }
    });
}

#[test]
fn a_dropped_table_is_read_too() {
    let drop = "
        const transfer = new DataTransfer();
        transfer.items.add(new File(['id,text\\nann,my school\\nann,my mom\\nbob,the new server\\n'], 'two.csv'));
        const event = new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer });
        document.querySelector('h1').dispatchEvent(event);
        return event.defaultPrevented";
    Visit::default().run(async move |page| {
        page.ready().await;
        assert_eq!(
            page.script(drop).await,
            true,
            "or the browser opens the file itself"
        );
        done(&page, 2).await;
        let rows = rows(&page).await;
        assert_eq!(rows[1][..2], ["ann", "4"]);
        assert_eq!(rows[2][..2], ["bob", "3"]);
    });
}

#[test]
fn a_file_that_was_dropped_beside_the_page_was_opened_by_the_browser() {
    let drop = "
        const transfer = new DataTransfer();
        transfer.items.add(new File(['my school\\nmy mom\\n'], 'two.txt'));
        return ['dragover', 'drop'].map(type => {
            const event = new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer });
            document.documentElement.dispatchEvent(event);
            return event.defaultPrevented;
        })";
    Visit::default().run(async move |page| {
        page.ready().await;
        assert_eq!(page.script(drop).await, json!([true, true]));
        done(&page, 2).await;
    });
}

#[test]
fn text_that_was_dragged_into_the_text_area_was_swallowed() {
    let drag = "
        const transfer = new DataTransfer();
        transfer.setData('text/plain', 'my school');
        return ['dragover', 'drop'].map(type => {
            const event = new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer });
            document.querySelector('textarea').dispatchEvent(event);
            return event.defaultPrevented;
        })";
    Visit::default().run(async move |page| {
        page.ready().await;
        assert_eq!(page.script(drag).await, json!([false, false]));
    });
}

/// The message beside the button that chooses files.
async fn notice(page: &Page) -> String {
    text(
        page,
        "//*[@class='choose']/following-sibling::*[@role='status']",
    )
    .await
}

#[test]
fn all_but_one_of_several_dropped_files_were_left_out() {
    let drop = "
        const transfer = new DataTransfer();
        transfer.items.add(new File(['my school\\nmy mom\\n'], 'two.txt'));
        transfer.items.add(new File(['{\"id\": \"ann\", \"text\": \"my wife\"}\\n{\\n'], 'one.jsonl'));
        transfer.items.add(new File(['la,la\\n'], 'song.csv'));
        const event = new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer });
        document.querySelector('h1').dispatchEvent(event)";
    let heading = "//section[@aria-labelledby='file']/h2";
    Visit::default().run(async move |page| {
        page.ready().await;
        page.script(drop).await;
        done(&page, 3).await;
        assert_eq!(
            text(&page, heading).await,
            "Writers in two.txt and 2 more files"
        );
        let read = rows(&page).await;
        let ids: Vec<&str> = read[1..].iter().map(|row| row[0].as_str()).collect();
        assert_eq!(ids, ["1", "2", "ann"]);
        // What is left out is said, with its file.
        let status = status(&page).await;
        assert!(
            status.contains("song.csv could not be opened: "),
            "{status}"
        );
        let bad = "//summary[contains(., '1 record could not be read')]";
        page.click(bad).await;
        let list = text(&page, &format!("{bad}/following-sibling::ul")).await;
        assert!(list.starts_with("one.jsonl, line 2: "), "{list}");
        page.press("Download as JSONL").await;
        assert_eq!(page.saved("two-attributes.jsonl").await.lines().count(), 3);

        // The button takes several too.
        let files: [(&str, &[u8]); 2] = [("a.txt", b"my school\n"), ("b.txt", b"my wife\n")];
        page.give_all(&files).await;
        done(&page, 2).await;
        assert_eq!(
            text(&page, heading).await,
            "Writers in a.txt and 1 more file"
        );
        let ids: Vec<String> = (rows(&page).await.into_iter().skip(1))
            .map(|row| row[0].clone())
            .collect();
        assert_eq!(ids, ["1", "2"]);
    });
}

#[test]
fn a_model_among_files_of_writers_is_not_opened_and_that_is_said() {
    Visit::default().run(async |page| {
        page.ready().await;
        let model = damaged();
        let files: [(&str, &[u8]); 2] = [("one.txt", b"my school\n"), ("m.safetensors", &model)];
        page.give_all(&files).await;
        let said = "return document.querySelector('.choose + [role=status]').innerText !== ''";
        page.until(said, SOON).await;
        let message = notice(&page).await;
        assert!(message.contains("Open the model first"), "{message}");
        let opened = "return document.querySelector('[aria-labelledby=file]') !== null";
        assert_eq!(page.script(opened).await, false);
        // It is gone with the next file.
        page.give("three.txt", "my school\nmy mom\nmy wife\n").await;
        done(&page, 3).await;
        assert_eq!(notice(&page).await, "");
    });
}

#[test]
fn a_download_whose_writers_were_closed_ended_without_a_word() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.give("writers.txt", "school\n".repeat(2_500)).await;
        done(&page, 2_500).await;
        page.script(
            "const button = name => [...document.querySelectorAll('button')].find(one => one.innerText === name);
            button('Download as JSONL').click();
            button('Back to the text').click();",
        )
        .await;
        let said = "return document.querySelector('.choose + [role=status]').innerText
            .startsWith('The download was not made')";
        page.until(said, SOON).await;
    });
}

#[test]
fn a_bad_bundle_cancelled_the_file_that_was_worked_through() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.give("crowd.jsonl", users(20_000)).await;
        let rows = "document.querySelectorAll('[aria-labelledby=writers] tbody:not(.space) tr')";
        page.until(&format!("return {rows}.length === 100"), SOON)
            .await;
        page.give("DAMAGED.SAFETENSORS", damaged()).await;
        let why = refused(&page, "").await;
        assert!(why.contains("checksum"), "{why}");
        page.ready().await;
        let before = status(&page).await;
        assert!(!before.contains("Cancelled"), "{before}");
        // The run goes on.
        let more = "return document.querySelector('[aria-labelledby=file] p').innerText";
        page.until(&format!("{more} !== {before:?}"), SOON).await;
        page.press("Cancel").await;
        page.focused("file").await;
    });
}

#[test]
fn the_focus_was_lost_with_the_button_that_cancels_when_the_work_ended() {
    Visit::default().run(async |page| {
        page.ready().await;
        for (id, next) in [("cancel-reading", "files"), ("cancel-run", "file")] {
            page.script(&format!(
                "window.seen = false;
                new MutationObserver((_, observer) => {{
                    const cancel = document.getElementById('{id}');
                    if (!cancel) return;
                    cancel.focus();
                    window.seen = true;
                    observer.disconnect();
                }}).observe(document.body, {{ childList: true, subtree: true }})"
            ))
            .await;
            page.give("writers.jsonl", users(2_000)).await;
            page.until("return window.seen", SOON).await;
            done(&page, 2_000).await;
            page.focused(next).await;
            page.press("Back to the text").await;
        }
    });
}

#[test]
fn a_screen_reader_announced_every_chunk_of_a_file() {
    Visit::default().run(async |page| {
        page.ready().await;
        // What a region says when it is inserted is not announced.
        page.script(
            "window.announced = [];
            new MutationObserver(changes => {
                for (const { target } of changes) {
                    const element = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
                    const region = element?.closest('[aria-labelledby=file] > [role=status]');
                    const text = region?.innerText.trim();
                    // A text may come in two changes.
                    if (text && text !== announced.at(-1)) announced.push(text);
                }
            }).observe(document.body, { characterData: true, childList: true, subtree: true })",
        )
        .await;
        let start = std::time::Instant::now();
        page.give("crowd.jsonl", users(5_000)).await;
        done(&page, 5_000).await;
        page.until("return announced.at(-1) === '5000 writers done'", SOON)
            .await;
        let announced = page.script("return announced.length").await;
        let most = 2 + start.elapsed().as_secs() / 5;
        assert!(announced.as_u64() <= Some(most), "{announced} of {most}");
    });
}

#[test]
fn one_writer_is_not_called_writers() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.give("one.txt", "my husband cooked dinner").await;
        done(&page, 1).await;
        assert_eq!(status(&page).await, "1 writer done");
    });
}

#[test]
fn bad_records_are_listed_and_the_others_done() {
    let text = r#"{"id": "a", "text": "my school"}
{"id": "b", "text":
[1, 2]
{"id": "c", "posts": ["my <b>wife</b>"]}
"#;
    Visit::default().run(async move |page| {
        page.ready().await;
        page.give("broken.jsonl", text).await;
        done(&page, 2).await;
        // The object that is not closed ends before the line that begins the next one.
        let bad = "//summary[contains(., '1 record could not be read')]";
        page.click(bad).await;
        let list = crate::text(&page, &format!("{bad}/following-sibling::ul")).await;
        assert!(list.contains("line 2: "), "{list}");
        let rows = rows(&page).await;
        assert_eq!([&rows[1][0], &rows[2][0]], ["a", "c"]);

        // Files that hold no writers.
        for (name, bytes, message) in [
            (
                "song.csv",
                "la,la,la\n".as_bytes(),
                "neither JSON nor a table with a column of text",
            ),
            (
                "writers.jsonl.gz",
                b"\x1f\x8b\x08\0\0\0\0\0",
                "gzip cannot be unpacked to its end",
            ),
        ] {
            page.give(name, bytes).await;
            let heading = format!(
                "return document.querySelector('[aria-labelledby=file] h2').innerText.endsWith('{name}')"
            );
            page.until(&heading, SOON).await;
            let status = status(&page).await;
            assert!(
                status.contains("could not be ") && status.contains(message),
                "{status}"
            );
        }
        page.give("empty.txt", "").await;
        let heading = "return document.querySelector('[aria-labelledby=file] h2').innerText.endsWith('empty.txt')";
        page.until(heading, SOON).await;
        assert_eq!(
            status(&page).await,
            "0 writers done No text of a writer was found."
        );
    });
}

#[test]
fn a_long_run_is_cancelled_at_once_and_typing_comes_first() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.give("crowd.jsonl", users(20_000)).await;
        let rows = "document.querySelectorAll('[aria-labelledby=writers] tbody:not(.space) tr')";
        page.until(&format!("return {rows}.length === 100"), SOON)
            .await;

        // A text that is typed meanwhile is predicted at once.
        page.write("my husband cooked dinner").await;
        let estimated = "const shown = document.querySelector('[aria-label=Computing]').innerText;
            return shown.includes('Last estimate: ')";
        page.until(estimated, SOON).await;
        let cancel = "const buttons = [...document.querySelectorAll('button')];
            return buttons.some(button => button.innerText === 'Cancel')";
        assert_eq!(
            page.script(cancel).await,
            true,
            "the file is still being read"
        );

        // Measures the time from the click to the message.
        page.script(
            "const status = document.querySelector('[aria-labelledby=file] p');
            const pressed = event => { window.pressed = event.timeStamp; };
            document.addEventListener('click', pressed, { capture: true, once: true });
            new MutationObserver(() => {
                if (status.innerText.includes('Cancelled')) window.over ??= performance.now();
            }).observe(status, { subtree: true, childList: true, characterData: true });",
        )
        .await;
        page.press("Cancel").await;
        page.until("return window.over !== undefined", SOON).await;
        let took = page.script("return window.over - window.pressed").await;
        let took = took.as_f64().expect("a number");
        let most = match Browser::chosen() {
            // It paints in software, with the cores on which the worker computes.
            Browser::WebKit => 1000.0,
            _ => 100.0,
        };
        assert!(took < most, "{took} ms");

        let before = status(&page).await;
        let (count, _) = before.split_once(' ').expect("a number of writers");
        let count: usize = count.parse().expect("a number");
        assert!((100..20_000).contains(&count), "{before}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(
            status(&page).await,
            before,
            "what was done stays, and no more is done"
        );
        page.press("Download as JSONL").await;
        assert_eq!(
            page.saved("crowd-attributes.jsonl").await.lines().count(),
            count
        );

        page.press("Back to the text").await;
        page.settled(SOON).await;
        same(&page.shown().await, &["my husband cooked dinner"]);
    });
}

#[test]
fn the_table_ended_after_a_hundred_writers_and_had_one_order() {
    Visit::default().run(async |page| {
        page.ready().await;
        let users: String = (1..=300)
            .map(|user| format!("{}\n", json!({ "id": user, "text": "school ".repeat(1 + user % 7) })))
            .collect();
        page.give("many.jsonl", &users).await;
        done(&page, 300).await;
        let table = "const table = document.querySelector('[aria-labelledby=writers] .table');
            const rows = [...table.querySelectorAll('tbody:not(.space) tr')];
            const ids = rows.map(row => Number(row.cells[0].innerText));
            const words = rows.map(row => Number(row.cells[1].innerText));";
        let state = format!("{table} return [rows.length, ids[0], table.querySelector('table').ariaRowCount]");
        assert_eq!(page.script(&state).await, json!([100, 1, "301"]));

        // All can be scrolled to, and the rows in sight are drawn.
        for (place, first) in [(1.0, 201), (0.5, 0), (0.0, 1)] {
            page.script(&format!("{table} table.scrollTop = {place} * table.scrollHeight"))
                .await;
            let drawn = format!(
                "{table} const box = table.getBoundingClientRect();
                const seen = rows.filter(row => {{
                    const {{ top, bottom }} = row.getBoundingClientRect();
                    return top <= box.top + box.height / 2 && bottom >= box.top + box.height / 2;
                }});
                return rows.length === 100 && seen.length > 0 && ({first} === 0 || ids[0] === {first})"
            );
            page.until(&drawn, SOON).await;
        }
        let end = format!("{table} table.scrollTop = table.scrollHeight; return true");
        page.script(&end).await;
        page.until(&format!("{table} return ids.at(-1) === 300"), SOON)
            .await;
        page.script(&format!("{table} table.scrollTop = 0")).await;

        for (most, sorted) in [(false, "ascending"), (true, "descending")] {
            page.press("Words").await;
            let wanted = if most { 7 } else { 1 };
            let ordered = format!(
                "{table} const by = table.querySelectorAll('th')[1].ariaSort;
                return by === '{sorted}' && words[0] === {wanted} && ids[0] === {}",
                if most { 6 } else { 7 }
            );
            page.until(&ordered, SOON).await;
        }
        page.press("Words").await;
        page.until(&format!("{table} return ids[0] === 1"), SOON).await;

        // The writers for whom the model abstains can be shown alone.
        let abstained = predict_all(&users)
            .iter()
            .filter(|user| user["predictions"]["gender"]["confident"] == false)
            .count();
        let choose = "const select = document.querySelector('.filter select');
            select.value = 'gender';
            select.dispatchEvent(new Event('change', { bubbles: true }))";
        page.script(choose).await;
        let counted = format!("{table} return table.querySelector('table').ariaRowCount === '{}'", abstained + 1);
        page.until(&counted, SOON).await;
    });
}

#[test]
fn the_writer_whose_posts_were_found_last_took_the_place_of_the_one_chosen_last() {
    Visit::default().run(async |page| {
        page.ready().await;
        // The last one comes first by words, and is found after all the others have been read.
        let users: String = (1..=2_500)
            .map(|user| json!({ "id": user, "text": "school ".repeat(1 + user / 2_500) }).to_string() + "\n")
            .collect();
        page.give("many.jsonl", users).await;
        done(&page, 2_500).await;
        let rows = "const rows = document.querySelectorAll('[aria-labelledby=writers] tbody:not(.space) button');";
        for _ in 0..2 {
            page.press("Words").await;
        }
        page.until(&format!("{rows} return rows[0].innerText === '2500' && rows[1].innerText === '1'"), SOON)
            .await;
        page.script(&format!("{rows} rows[0].click(); rows[1].click()"))
            .await;
        let heading = "document.querySelector('#one-writer')?.innerText";
        page.until(&format!("return {heading} === 'Writer 1'"), SOON).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(page.script(&format!("return {heading}")).await, "Writer 1");

        // Nor does one come after all are closed.
        let close = "document.querySelector('.settling > button').click()";
        page.script(&format!("{rows} rows[0].click(); {close}")).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let open = "return document.querySelector('.settling') !== null";
        assert_eq!(page.script(open).await, false);
    });
}

#[test]
fn the_chunks_of_a_chinese_file_are_as_large_as_the_worker_asks() {
    with_script(RECORD).languages("zh-CN").run(async |page| {
        page.ready().await;
        let posts = chinese_posts();
        page.give("writers.txt", posts.join("\n")).await;
        done(&page, posts.len()).await;
        let lengths: Vec<usize> = posts.iter().map(|post| post.chars().count()).collect();
        are_as_wanted(&page, &lengths).await;
    });
}

/// This many made-up writers as JSONL.
pub fn users(count: usize) -> String {
    let subjects = [
        "my mom",
        "the new server",
        "our gallery",
        "the principal",
        "my wife",
        "some dude",
    ];
    let verbs = [
        "says no to",
        "is all about",
        "never liked",
        "paid for",
        "broke",
    ];
    let objects = [
        "my homework",
        "the network",
        "a painting 🎨",
        "the budget",
        "that song lol",
    ];
    let mut text = String::new();
    for user in 0..count {
        let post = |number: usize| {
            let number = user * 7 + number * 3;
            let [subject, verb, object] = [
                subjects[number % subjects.len()],
                verbs[number / 2 % verbs.len()],
                objects[number / 3 % objects.len()],
            ];
            format!("{subject} {verb} {object}")
        };
        let posts: Vec<String> = (0..1 + user % 3).map(post).collect();
        let user = match user % 10 {
            // Without an id the position is the id.
            0 => json!({ "posts": posts }),
            // A second record with the same id and a text would be a post of the same writer.
            1 => json!({ "id": format!("=1+{user}"), "text": posts[0] }),
            2 => json!({ "id": { "name": "zoë", "n": user }, "posts": posts }),
            3 => json!({ "id": format!("writer, \"{user}\""), "posts": posts, "age": 24 }),
            _ => json!({ "id": user, "posts": posts }),
        };
        text += &user.to_string();
        text.push('\n');
    }
    text
}

/// Waits until the whole file is read and this many writers are done, in any language.
pub async fn done(page: &Page, writers: usize) {
    let script = format!(
        r"const file = document.querySelector('[aria-labelledby=file]');
        const status = file?.querySelector('p').innerText ?? '';
        return /\b{writers}\b/.test(status) && file.querySelector('progress') === null"
    );
    page.until(&script, LATE).await;
}

/// The progress that the page shows.
pub async fn status(page: &Page) -> String {
    text(page, "//section[@aria-labelledby='file']/p[1]").await
}

/// The table's cells, including the header.
async fn rows(page: &Page) -> Vec<Vec<String>> {
    cells(page, "//section[@aria-labelledby='writers']//table").await
}
