//! "Who writes here?": the base rates that predictions assume.

use std::time::Duration;

use fantoccini::elements::Element;
use serde_json::{Value, json};
use tests::{
    BUNDLE, agrees,
    browser::{Page, SOON, Visit},
    predict_under, uneven,
};

use crate::{TEXTS, bundle, cells, is_best, text, writers};

/// Base rates as among the training users, and own ones.
pub const CORPUS: &str = "As among the writers that the model learned from";
pub const OWN: &str = "My own shares";

#[test]
fn the_bars_follow_the_base_rates_as_the_command_predicts() {
    visit().run(async |page| {
        page.ready().await;
        page.write(&TEXTS[0].join("\n")).await;
        shows(&page, "equal").await;
        let line = assumed(&page).await;
        assert_eq!(line, "Base rates: every class equally likely.");
        choose(&page, CORPUS).await;
        shows(&page, "corpus").await;
        let line = assumed(&page).await;
        assert!(
            line.ends_with("writers that the model learned from."),
            "{line}"
        );

        // Own shares begin with those of the training users.
        choose(&page, OWN).await;
        shows(&page, "corpus").await;
        assert_eq!(assumed(&page).await, "Base rates: the given shares.");
        let male = field(&page, "Gender", "Male").await;
        let male = male.prop("value").await.expect("a field");
        assert_eq!(male.as_deref(), Some("66.7"));
        for (class, percent) in [("13–17", "20"), ("23–27", "30"), ("33–48", "50")] {
            set(&page, "Age", class, percent).await;
        }
        set(&page, "Gender", "Female", "80").await;
        set(&page, "Gender", "Male", "20").await;
        let own = json!({
            "profession": professions(),
            "age": { "13-17": 0.2, "23-27": 0.3, "33-48": 0.5 },
            "gender": { "female": 0.8, "male": 0.2 },
        });
        shows(&page, &own.to_string()).await;

        // They stay when another choice is tried.
        choose(&page, "Every class is equally likely").await;
        shows(&page, "equal").await;
        choose(&page, OWN).await;
        shows(&page, &own.to_string()).await;
    });
}

#[test]
fn own_shares_take_effect_when_they_sum_to_100() {
    visit().run(async |page| {
        page.ready().await;
        page.write(&TEXTS[0].join("\n")).await;
        choose(&page, OWN).await;
        shows(&page, "corpus").await;
        for (female, male, sum) in [
            ("80", "66.7", "146.7"),
            ("80", "", "80.0"),
            ("-20", "120", "100.0"),
        ] {
            set(&page, "Gender", "Female", female).await;
            set(&page, "Gender", "Male", male).await;
            let gender = text(&page, "//fieldset[normalize-space(legend)='Gender']").await;
            assert!(gender.contains(&format!("Sum: {sum}%")), "{gender}");
            assert!(gender.contains("their sum must be 100%"), "{gender}");
            tokio::time::sleep(Duration::from_millis(500)).await;
            shows(&page, "corpus").await;
        }
        set(&page, "Gender", "Female", "80").await;
        set(&page, "Gender", "Male", "20").await;
        let gender = text(&page, "//fieldset[normalize-space(legend)='Gender']").await;
        assert!(!gender.contains("must be"), "{gender}");
        let own = json!({
            "profession": professions(),
            "age": { "13-17": 15.0 / 66.0, "23-27": 40.0 / 66.0, "33-48": 11.0 / 66.0 },
            "gender": { "female": 0.8, "male": 0.2 },
        });
        shows(&page, &own.to_string()).await;
    });
}

#[test]
fn own_shares_that_do_not_fit_another_model_make_way_for_equal_base_rates() {
    visit().run(async |page| {
        page.ready().await;
        page.write(&TEXTS[0].join("\n")).await;
        choose(&page, OWN).await;
        shows(&page, "corpus").await;
        let model = bundle(|bundle| bundle.settings.attributes[2].name = "sex".into());
        page.give("mine.safetensors", model).await;
        let said = "const line = document.querySelector('.rates + [role=status]');
            return line.innerText.startsWith('Your shares do not fit this model.')";
        page.until(said, SOON).await;
        page.settled(SOON).await;
        let line = assumed(&page).await;
        assert_eq!(line, "Base rates: every class equally likely.");
        let chosen = "return document.querySelector('[name=base-rates]:checked').value";
        assert_eq!(page.script(chosen).await, "equal");
        assert!(
            text(&page, "//section[@aria-labelledby='estimate']")
                .await
                .contains("Sex")
        );
    });
}

#[test]
fn the_table_of_a_file_follows_the_base_rates() {
    visit().run(async |page| {
        page.ready().await;
        let users = writers::users(50);
        page.give("writers.jsonl", &users).await;
        writers::done(&page, 50).await;
        choose(&page, CORPUS).await;
        writers::done(&page, 50).await;
        let line = assumed(&page).await;
        assert!(
            line.ends_with("writers that the model learned from."),
            "{line}"
        );
        let rows = cells(&page, "//section[@aria-labelledby='writers']//table").await;
        let predicted = predict_under("corpus", &uneven(), &users);
        assert_eq!(rows.len(), 1 + predicted.len());
        for (row, predicted) in rows[1..].iter().zip(&predicted) {
            for (cell, attribute) in row[2..].iter().zip(["profession", "age", "gender"]) {
                is_best(cell, &predicted["predictions"][attribute]);
            }
        }
    });
}

/// A visit to the page with a model whose training users are unevenly spread.
pub fn visit() -> Visit {
    Visit::default().instead(BUNDLE, uneven())
}

/// Makes a choice by its name.
pub async fn choose(page: &Page, name: &str) {
    page.script("document.querySelector('.rates').open = true")
        .await;
    page.click(&format!("//label[normalize-space()='{name}']"))
        .await;
}

/// Puts the share of a class into its field, in percent, as pasting does.
pub async fn set(page: &Page, attribute: &str, class: &str, percent: &str) {
    let field = field(page, attribute, class).await;
    let script = "const [field, percent] = arguments; field.value = percent;
        field.dispatchEvent(new Event('input', { bubbles: true }))";
    let arguments = vec![json!(field), json!(percent)];
    (page.client.execute(script, arguments).await).expect("the field takes a number");
}

/// The field of a class.
async fn field(page: &Page, attribute: &str, class: &str) -> Element {
    let attribute = format!("//fieldset[normalize-space(legend)='{attribute}']");
    page.find(&format!(
        "{attribute}//label[normalize-space(span)='{class}']/input"
    ))
    .await
}

/// The line that says which base rates are in effect.
async fn assumed(page: &Page) -> String {
    text(page, "//p[contains(@class, 'assumed')]").await
}

/// The shares of the professions among the training users.
fn professions() -> Value {
    let names = [
        "Student",
        "IT",
        "Art",
        "Education",
        "Services",
        "Government",
        "Finance",
    ];
    let shares = names
        .iter()
        .zip(1..)
        .map(|(name, share)| (name.to_string(), json!(f64::from(share) / 28.0)));
    Value::Object(shares.collect())
}

/// Waits until the page shows the command's prediction of the text under these base rates.
async fn shows(page: &Page, base_rates: &str) {
    let user = json!({ "posts": TEXTS[0] }).to_string();
    let predicted = predict_under(base_rates, &uneven(), &user).remove(0);
    let female = &predicted["predictions"]["gender"]["probabilities"]["female"];
    let there = format!(
        "const female = document.querySelector('[data-attribute=gender] [data-class=female]');
        return Math.abs(Number(female?.dataset.probability) - {female}) < 1e-4"
    );
    page.until(&there, SOON).await;
    page.settled(SOON).await;
    agrees(&page.shown().await, &predicted);
}
