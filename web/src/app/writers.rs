//! The table of the writers. It is sorted and filtered on demand, and only the rows near those in sight are drawn.

use std::time::Duration;

use leptos::prelude::*;
use model_core::attribute::Attribute;
use model_core::prediction::{Line, UserPrediction};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, FocusOptions, HtmlElement};

use super::best::BestCell;
use super::link::Link;
use super::settling::settle;
use super::{focus_later, locale, t};
use crate::summary;
use crate::table::{Arrangement, Column, DRAWN, Direction, MOST, drawn, first_drawn};

/// The id of what follows the table.
const AFTER: &str = "after-writers";

/// The table. While the run goes on, the order is that of the files: sorting after every chunk would be felt.
#[component]
pub fn Writers(link: Link, running: Memo<bool>) -> impl IntoView {
    let attributes = link.watch(|session| {
        let attributes = session.model().map(|model| model.attributes.clone());
        attributes.unwrap_or_default()
    });
    let arrangement = RwSignal::new(Arrangement::default());
    let scrolled_to = RwSignal::new(0.0_f64);
    // They change with the writers.
    let run_and_count = link.watch(|session| {
        let count = session.batch().map_or(0, |batch| batch.lines().len());
        (session.run_number(), count)
    });
    let count = move || run_and_count.get().1;
    let order = Memo::new(move |_| {
        run_and_count.track();
        if running.get() {
            return None;
        }
        let arrangement = arrangement.get();
        link.look(|session| arrangement.order(session.batch()?.lines()))
    });
    let rows = Memo::new(move |_| {
        let all = count();
        order
            .with(|order| order.as_ref().map_or(all, Vec::len))
            .min(MOST)
    });
    let first = Memo::new(move |_| first_drawn(scrolled_to.get(), rows.get()));
    let shown = Memo::new(move |_| {
        run_and_count.track();
        let first = first.get();
        order.with(|order| {
            link.look(|session| {
                let batch = session.batch();
                let lines = batch.map(|batch| batch.lines()).unwrap_or_default();
                drawn(lines, order.as_deref(), first)
            })
        })
    });
    let after = move || {
        let drawn = shown.with(Vec::len);
        rows.get().saturating_sub(first.get() + drawn)
    };
    let scrolled = move |event: web_sys::Event| {
        let place: Element = event_target(&event);
        let height = f64::from(place.scroll_height()).max(1.0);
        let focused = document().active_element();
        scrolled_to.set(f64::from(place.scroll_top()) / height);
        // Where rows are added above, those that stay are taken out and put in again, which loses the focus.
        set_timeout(move || keep_focus(focused), Duration::ZERO);
    };
    let columns = move || {
        let heading = |attribute: Attribute| {
            let name = attribute.name.clone();
            let label = Signal::derive(move || locale().name(&name));
            let column = Column::Attribute(attribute.name);
            view! { <Heading column=column label=label arrangement=arrangement running=running /> }
        };
        attributes.get().into_iter().map(heading).collect_view()
    };
    let writer = Signal::derive(move || locale().t("writer").to_string());
    let words = Signal::derive(move || locale().t("words").to_string());
    // Scrolling moves rows by whole steps. A row that stays keeps its element.
    let key = move |(place, number, _): &(usize, usize, Line)| {
        let run = link.look(|session| session.run_number());
        (run, *place, *number)
    };
    let row = move |(place, number, line): (usize, usize, Line)| {
        let show = move || settle(link, number, true);
        view! { <Row place=place line=line attributes=attributes show=show /> }
    };
    let partly = move || {
        let (shown, count) = (rows.get(), count());
        let arguments: [(&str, &dyn std::fmt::Display); 2] = [("shown", &shown), ("count", &count)];
        (shown < count).then(|| locale().format("file_shown", &arguments))
    };
    view! {
        <Filter attributes=attributes arrangement=arrangement running=running />
        // Each writer is a button.
        <button type="button" class="skip" on:click=move |_| focus_later(AFTER)>{t("skip_writers")}</button>
        <div
            class="table"
            class:tall=move || { rows.get() > DRAWN }
            tabindex="0"
            role="group"
            aria-labelledby="writers"
            on:scroll=scrolled
        >
            <table aria-rowcount=move || (rows.get() + 1).to_string()>
                <thead>
                    <tr aria-rowindex="1">
                        <Heading column=Column::Writer label=writer arrangement=arrangement running=running />
                        <Heading column=Column::Words label=words arrangement=arrangement running=running />
                        {columns}
                    </tr>
                </thead>
                {move || space(first.get())}
                <tbody>
                    <For each=move || shown.get() key=key children=row />
                </tbody>
                {move || space(after())}
            </table>
        </div>
        <p class="note" id=AFTER tabindex="-1">{partly}</p>
    }
}

/// Puts the focus back on an element that has lost it, without scrolling there.
fn keep_focus(element: Option<Element>) {
    let is_lost =
        document().active_element().map(JsValue::from) == document().body().map(JsValue::from);
    if is_lost && let Some(Ok(element)) = element.map(JsCast::dyn_into::<HtmlElement>) {
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        // It fails only for an element that cannot take the focus.
        let _ = element.focus_with_options(&options);
    }
}

/// In place of rows that are not drawn: their height.
fn space(rows: usize) -> Option<AnyView> {
    (rows > 0).then(|| {
        let height = format!("calc({rows} * var(--row))");
        view! { <tbody class="space" aria-hidden="true"><tr><td style:height=height></td></tr></tbody> }.into_any()
    })
}

/// The heading of a column, which sorts by it.
#[component]
fn Heading(
    column: Column,
    label: Signal<String>,
    arrangement: RwSignal<Arrangement>,
    running: Memo<bool>,
) -> impl IntoView {
    let sorted = {
        let column = column.clone();
        move || arrangement.with(|arrangement| arrangement.direction(&column))
    };
    let click = move |_| arrangement.update(|arrangement| arrangement.click(&column));
    view! {
        <th scope="col" aria-sort=move || sorted().map(Direction::name)>
            <button type="button" class="sort" disabled=move || running.get() on:click=click>{label}</button>
        </th>
    }
}

/// The choice between all writers and those for whom the model abstains.
#[component]
fn Filter(
    attributes: Memo<Vec<Attribute>>,
    arrangement: RwSignal<Arrangement>,
    running: Memo<bool>,
) -> impl IntoView {
    let choose = move |event: web_sys::Event| {
        let name = event_target_value(&event);
        arrangement.update(|arrangement| {
            arrangement.abstained_on = Some(name).filter(|name| !name.is_empty());
        });
    };
    let options = move || {
        let option = |attribute: Attribute| {
            let name = locale().name(&attribute.name);
            let text = locale().format("abstained_on", &[("attribute", &name)]);
            let is_chosen = arrangement.with_untracked(|arrangement| {
                arrangement.abstained_on.as_ref() == Some(&attribute.name)
            });
            view! { <option value=attribute.name selected=is_chosen>{text}</option> }
        };
        attributes.get().into_iter().map(option).collect_view()
    };
    view! {
        <label class="filter">
            {t("show_writers")} " "
            <select on:change=choose disabled=move || running.get()>
                <option value="">{t("all_writers")}</option>
                {options}
            </select>
        </label>
    }
}

/// One writer: the id, the number of words, and the class to show of each attribute. `show` shows the writer alone.
#[component]
fn Row(
    place: usize,
    line: Line,
    attributes: Memo<Vec<Attribute>>,
    show: impl Fn() + 'static,
) -> impl IntoView {
    let id = match line.id {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let UserPrediction {
        words, predictions, ..
    } = line.prediction;
    let cells = move || {
        let cell = |attribute: Attribute| {
            let predicted = predictions.get(&attribute.name);
            let best = predicted.and_then(|predicted| summary::best(predicted, locale()));
            view! { <BestCell best=best /> }
        };
        attributes.get().into_iter().map(cell).collect_view()
    };
    // A long id is cut off in its cell.
    let title = id.clone();
    // The heading is the first row.
    let index = (place + 2).to_string();
    view! {
        <tr aria-rowindex=index>
            <th scope="row" title=title>
                <button type="button" class="plain" on:click=move |_| show()><bdi>{id}</bdi></button>
            </th>
            <td>{words}</td>
            {cells}
        </tr>
    }
}
