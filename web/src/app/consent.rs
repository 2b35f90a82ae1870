//! Whose texts are read: the question about files of many writers, and the link to `docs/ethics.md`.

use leptos::prelude::*;

use super::{locale, t, tab};

/// `docs/ethics.md` as a page (scripts/finish_page.sh).
const ETHICS: &str = "widget/ethics.html";

/// The name under which the tab remembers the answer.
const PURPOSE: &str = "purpose";

/// Each answer with its value in the form, the key of its name and the key of the advice that follows.
const PURPOSES: [(&str, &str, &str); 3] = [
    ("study", "purpose_study", "purpose_study_help"),
    ("corpus", "purpose_corpus", "purpose_corpus_help"),
    ("trial", "purpose_trial", "purpose_trial_help"),
];

/// The link. It opens another tab, because the text in this one would be lost.
#[component]
pub fn Ethics() -> impl IntoView {
    view! { <a href=ETHICS target="_blank" rel="noopener" hreflang="en">{t("ethics")}</a> }
}

/// Asks once in a tab what the texts of many writers are. Nothing waits for the answer.
#[component]
pub fn Purpose() -> impl IntoView {
    let chosen = RwSignal::new(tab::recall(PURPOSE).unwrap_or_default());
    let option = move |(value, name, _): (&'static str, &'static str, &'static str)| {
        let choose = move |_| {
            tab::remember(PURPOSE, value);
            chosen.set(value.into());
        };
        view! {
            <label>
                <input
                    type="radio"
                    name="purpose"
                    value=value
                    prop:checked=move || chosen.with(|chosen| chosen == value)
                    on:change=choose
                />
                " "
                {t(name)}
            </label>
        }
    };
    let advice = move || {
        let chosen = chosen.get();
        let known = PURPOSES.into_iter().find(|(value, ..)| *value == chosen);
        known.map(|(.., advice)| locale().t(advice))
    };
    view! {
        <div class="purpose">
            <fieldset>
                <legend>{t("purpose")}</legend>
                {PURPOSES.into_iter().map(option).collect_view()}
            </fieldset>
            <p class="note"><span role="status">{advice}</span> " " <Ethics /></p>
        </div>
    }
}
