//! "All writers": the estimated shares of the classes among the writers of a file.

use serde_json::{Value, json};
use tests::{
    BILINGUAL, BUNDLE,
    browser::{Page, SOON, Visit},
    chunks::chinese_posts,
    population, same_shares, share_lists,
};

use crate::{
    array, cells, text,
    writers::{done, status, users},
};

const METHOD: &str = "bayes";

#[test]
fn a_file_of_many_writers_opens_on_the_shares_that_the_command_estimates() {
    Visit::default().run(async |page| {
        page.ready().await;
        let users = users(40);
        page.give("writers.jsonl", &users).await;
        done(&page, 40).await;
        let estimate = population(BUNDLE, METHOD, &users);
        shows(&page, &estimate).await;

        // Age has coarse classes, so its classes are behind a disclosure. Each share has its interval.
        let age = text(&page, "//div[@data-population='age']").await;
        for part in ["Age", "from 40 writers", "13–17", "All 11 classes"] {
            assert!(age.contains(part), "{age}");
        }
        let female = &estimate["attributes"]["gender"]["shares"]["female"];
        let female = female["share"].as_f64().expect("a share");
        let line = text(&page, "//div[@data-population='gender']//li[1]").await;
        assert!(line.starts_with("Female") && line.contains("–"), "{line}");
        let shown = line.split_whitespace().nth(1).expect("a share");
        let shown: f64 = shown.trim_end_matches('%').parse().expect("a number");
        assert!((shown / 100.0 - female).abs() < 0.011, "{line}: {female}");

        // The table of single writers comes after it.
        let order = "const [shares, table] = ['.population', '.writers'].map(part => document.querySelector(part));
            return Boolean(shares.compareDocumentPosition(table) & Node.DOCUMENT_POSITION_FOLLOWING)";
        assert_eq!(page.script(order).await, true);

        page.press("Download the shares as JSON").await;
        let saved = page.saved("writers-shares.json").await;
        let saved: Value = serde_json::from_str(&saved).expect("JSON");
        assert_eq!(array(&saved).len(), 1);
        for count in ["users", "without_known_words", "method"] {
            assert_eq!(saved[0][count], estimate[count]);
        }
        same_shares(&share_lists(&saved[0]), &share_lists(&estimate), "saved");
    });
}

#[test]
fn two_attributes_are_shown_together() {
    Visit::default().run(async |page| {
        page.ready().await;
        let users = users(40);
        page.give("writers.jsonl", &users).await;
        let estimate = population(BUNDLE, METHOD, &users);
        shows(&page, &estimate).await;
        let pairs = array(&estimate["joint"]);
        assert_eq!(pairs.len(), 3);
        for (place, pair) in pairs.iter().enumerate() {
            let choose = format!(
                "const select = document.querySelector('.pairs select');
                select.value = '{place}';
                select.dispatchEvent(new Event('change', {{ bubbles: true }}));"
            );
            page.script(&choose).await;
            let columns = array(&pair["column_labels"]).len();
            let redrawn = format!(
                "return document.querySelectorAll('.pairs thead th').length === {columns}"
            );
            page.until(&redrawn, SOON).await;
            let rows = cells(&page, "//div[contains(@class, 'pairs')]//table").await;
            assert_eq!(rows.len(), 1 + array(&pair["row_labels"]).len());
            assert!(rows[1..].iter().all(|row| row.len() == 1 + columns));
            let shown = page
                .script(
                    "return [...document.querySelectorAll('.pairs tbody tr')].map(row =>
                        [...row.querySelectorAll('td')].map(({ dataset }) => Number(dataset.share)))",
                )
                .await;
            let shares = |rows: &Value| -> Vec<f64> {
                let cells = array(rows).iter().flat_map(array);
                cells.map(|cell| cell.as_f64().expect("a share")).collect()
            };
            let (shown, wanted) = (shares(&shown), shares(&pair["shares"]));
            assert!((shown.iter().sum::<f64>() - 1.0).abs() < 1e-6);
            for (shown, wanted) in shown.iter().zip(&wanted) {
                assert!((shown - wanted).abs() < 0.005, "{shown} and {wanted}");
            }
        }
    });
}

#[test]
fn texts_unlike_the_training_corpus_have_a_warning() {
    Visit::default().run(async |page| {
        page.ready().await;
        let user = json!({ "text": "zyxwq qwrtz plmkj homework ".repeat(5) });
        let users = format!("{user}\n").repeat(40);
        page.give("strange.jsonl", &users).await;
        let estimate = population(BUNDLE, METHOD, &users);
        let check = &estimate["texts"][0];
        assert_eq!(check["unlike"], true, "{check}");
        shows(&page, &estimate).await;
        let warning = text(&page, "//p[@class='warning']").await;
        let [value, largest] = ["value", "largest"].map(|name| {
            let number = check["divergence"][name].as_f64();
            number.expect("a number")
        });
        let numbers = format!(
            "(word frequencies diverge by {value:.2}, at most {largest:.2} in it; 25% of the words known)"
        );
        assert!(warning.contains(&numbers), "{warning}");
        assert!(warning.contains("not to be trusted without labelled writers"), "{warning}");
        page.press("中文").await;
        let chinese = "return document.querySelector('.warning').innerText.includes('不可信')";
        page.until(chinese, SOON).await;
    });
}

#[test]
fn an_attribute_that_was_not_validated_in_the_language_has_no_shares() {
    Visit::default().languages("zh-CN").run(async |page| {
        page.ready().await;
        let posts = &chinese_posts()[..24];
        page.give("writers.txt", posts.join("\n")).await;
        done(&page, 24).await;
        let users = posts
            .iter()
            .map(|post| json!({ "text": post }).to_string() + "\n");
        let estimate = population(BILINGUAL, METHOD, &users.collect::<String>());
        shows(&page, &estimate).await;
        for (attribute, is_estimated) in [("profession", false), ("age", false), ("gender", true)] {
            let path = format!("//div[@data-population='{attribute}']");
            let shown = text(&page, &path).await;
            assert_eq!(shown.contains("未估计"), !is_estimated, "{shown}");
        }
    });
}

#[test]
fn a_few_writers_have_no_shares() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.give("few.jsonl", users(19)).await;
        done(&page, 19).await;
        let said = "return document.querySelector('[aria-labelledby=file]').innerText.includes('From 20 writers on')";
        page.until(said, SOON).await;
        let none = "return document.querySelector('.population') === null
            && ![...document.querySelectorAll('button')].some(button => button.innerText.includes('shares'))";
        assert_eq!(page.script(none).await, true);
    });
}

#[test]
fn a_cancelled_file_keeps_its_shares_and_does_not_mix_with_the_next_one() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.give("crowd.jsonl", users(20_000)).await;
        let shown = "return document.querySelector('.population') !== null";
        page.until(shown, SOON).await;
        page.press("Cancel").await;
        let cancelled = "const status = document.querySelector('[aria-labelledby=file] p');
            return status.innerText.includes('Cancelled')";
        page.until(cancelled, SOON).await;
        let status = status(&page).await;
        let (done_before, _) = status.split_once(' ').expect("a number of writers");
        let done_before: usize = done_before.parse().expect("a number");
        let help = text(&page, "//section[@class='population']/p[@class='note']").await;
        let counted = help
            .split_whitespace()
            .find_map(|word| word.parse::<usize>().ok());
        let counted = counted.expect("the number of writers");
        assert!((20..=done_before).contains(&counted), "{help} {status}");

        let users = users(40);
        page.give("writers.jsonl", &users).await;
        done(&page, 40).await;
        shows(&page, &population(BUNDLE, METHOD, &users)).await;
    });
}

#[test]
fn a_new_worker_counts_all_writers_again() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.give("crowd.jsonl", users(3_000)).await;
        let begun =
            "return document.querySelectorAll('[aria-labelledby=writers] tbody tr').length > 0";
        page.until(begun, SOON).await;
        page.choose("CPU").await;
        done(&page, 3_000).await;
        counted(&page, 3_000).await;
    });
}

/// Waits until the shares rest on this many writers.
pub async fn counted(page: &Page, writers: u64) {
    let counted = format!(
        r"const help = document.querySelector('.population > .note')?.innerText ?? '';
        return /\b{writers}\b/.test(help)"
    );
    page.until(&counted, SOON).await;
}

/// Waits for the shares of as many writers as the command's estimate has, and checks them.
async fn shows(page: &Page, estimate: &Value) {
    counted(page, estimate["users"].as_u64().expect("a number")).await;
    let shown = page
        .script(
            "return Object.fromEntries([...document.querySelectorAll('[data-population]')].map(attribute => [
                attribute.dataset.population,
                [...attribute.querySelectorAll('ul')].map(list => Object.fromEntries([...list.children].map(({ dataset }) =>
                    [dataset.class, [dataset.share, dataset.low, dataset.high].map(Number)])))]))",
        )
        .await;
    same_shares(&shown, &share_lists(estimate), "shown");
    let unlike = array(&estimate["texts"]).iter();
    let unlike = unlike.filter(|check| check["unlike"] == true).count();
    let warnings = page.script("return document.querySelectorAll('.warning').length");
    assert_eq!(warnings.await, json!(unlike));
}
