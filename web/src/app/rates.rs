//! "Who writes here?": the choice among base rates.

use leptos::leptos_dom::helpers::debounce;
use leptos::prelude::*;
use model_core::attribute::Attribute;
use model_core::base_rates::BaseRates;

use super::link::Link;
use super::reliability::share;
use super::{PAUSE, locale, t};
use crate::session::{Session, Shares};

/// A choice among base rates.
struct Choice {
    /// Its value in the form.
    value: &'static str,
    /// The key of its name.
    name: &'static str,
    /// The base rates that it begins with; `None` while it is not possible.
    begin: fn(&Session) -> Option<BaseRates>,
}

const CHOICES: [Choice; 3] = [
    Choice {
        value: "equal",
        name: "every_class_equal",
        begin: |_| Some(BaseRates::Equal),
    },
    Choice {
        value: "corpus",
        name: "as_in_training",
        begin: |_| Some(BaseRates::Corpus),
    },
    Choice {
        value: "given",
        name: "own_shares",
        begin: Session::own_shares,
    },
];

/// The value of the choice of these base rates.
fn value_of(base_rates: &BaseRates) -> &'static str {
    match base_rates {
        BaseRates::Equal => "equal",
        BaseRates::Corpus => "corpus",
        BaseRates::Given(_) => "given",
    }
}

/// The choice, behind a disclosure.
#[component]
pub fn Rates(link: Link) -> impl IntoView {
    let chosen = link.watch(|session| value_of(session.base_rates()));
    let misfit = link.watch(|session| session.own_shares_misfit());
    // The attributes whose shares the visitor gives; `None` with another choice.
    let attributes = link.watch(|session| {
        let model = session.model()?;
        matches!(session.base_rates(), BaseRates::Given(_)).then(|| model.attributes.clone())
    });
    let option = move |Choice { value, name, begin }: Choice| {
        let possible = link.watch(move |session| begin(session).is_some());
        let choose = move |_| {
            link.act(|session| match begin(session) {
                Some(base_rates) => session.use_base_rates(base_rates),
                None => Vec::new(),
            });
        };
        view! {
            <label>
                <input
                    type="radio"
                    name="base-rates"
                    value=value
                    prop:checked=move || chosen.get() == value
                    disabled=move || !possible.get()
                    on:change=choose
                />
                " "
                {t(name)}
            </label>
        }
    };
    view! {
        <details class="rates">
            <summary>{t("who_writes")}</summary>
            <p class="note">{t("who_writes_help")}</p>
            <fieldset>
                <legend class="hidden">{t("who_writes")}</legend>
                {CHOICES.into_iter().map(option).collect_view()}
            </fieldset>
            {move || attributes.get().map(|attributes| view! { <OwnShares link=link attributes=attributes /> })}
        </details>
        <p class="note" role="status">{move || misfit.get().then(|| locale().t("own_shares_misfit").to_string())}</p>
    }
}

/// The fields for the visitor's own shares. Shares take effect when those of all attributes are valid.
#[component]
fn OwnShares(link: Link, attributes: Vec<Attribute>) -> impl IntoView {
    let shares = RwSignal::new(link.look(|session| {
        let model = session.model();
        model.map_or_else(Shares::new, |model| model.shares(session.base_rates()))
    }));
    let mut use_later = debounce(PAUSE, move |base_rates| {
        link.act(|session| session.use_base_rates(base_rates));
    });
    let known = attributes.clone();
    Effect::new(move |before: Option<()>| {
        let base_rates = BaseRates::Given(shares.get());
        // At first these are the shares in effect.
        if before.is_some() && base_rates.check(&known).is_ok() {
            use_later(base_rates);
        }
    });
    let fields = |(number, attribute): (usize, Attribute)| {
        view! { <Fields number=number attribute=attribute shares=shares /> }
    };
    attributes
        .into_iter()
        .enumerate()
        .map(fields)
        .collect_view()
}

/// The fields of one attribute, in percent, with their sum.
#[component]
fn Fields(number: usize, attribute: Attribute, shares: RwSignal<Shares>) -> impl IntoView {
    let name = attribute.name.clone();
    let labels = attribute.coarsest_labels();
    let given = Memo::new({
        let name = name.clone();
        move |_| shares.with(|shares| shares.get(&name).cloned().unwrap_or_default())
    });
    let sum = move || {
        let sum = share(given.with(|given| given.values().sum()));
        locale().format("sum", &[("sum", &sum)])
    };
    let checked = name.clone();
    let invalid = move || {
        let base_rates = BaseRates::Given([(checked.clone(), given.get())].into());
        let fault = base_rates.check(std::slice::from_ref(&attribute)).is_err();
        fault.then(|| locale().t("own_shares_invalid").to_string())
    };
    let field = |label: String| {
        let begin = given.with_untracked(|given| given.get(&label).copied().unwrap_or_default());
        let percent = (begin * 1_000.0).round() / 10.0;
        let class = {
            let label = label.clone();
            move || locale().name(&label)
        };
        let name = name.clone();
        // An empty field is 0.
        let typed = move |event: web_sys::Event| {
            let percent: f64 = event_target_value(&event).parse().unwrap_or_default();
            shares.update(|shares| {
                let given = shares.entry(name.clone()).or_default();
                given.insert(label.clone(), percent / 100.0);
            });
        };
        view! {
            <label>
                <span class="name">{class}</span>
                " "
                <input type="number" min="0" max="100" step="any" value=percent.to_string() on:input=typed />
                " %"
            </label>
        }
    };
    let fields: Vec<_> = labels.into_iter().map(field).collect();
    let help = format!("shares-{number}");
    let described_by = help.clone();
    let legend = move || locale().name(&name);
    view! {
        <fieldset class="shares" aria-describedby=described_by>
            <legend>{legend}</legend>
            {fields}
            <p class="note" id=help>{sum}</p>
            <p class="note fault" role="status">{invalid}</p>
        </fieldset>
    }
}
