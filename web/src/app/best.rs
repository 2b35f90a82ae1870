//! The class that is shown first, in the tables.

use leptos::prelude::*;

use super::t;
use crate::summary::Best;

/// The cell of a class with its probability, or of a dash where there is none.
#[component]
pub fn BestCell(best: Option<Best>) -> impl IntoView {
    match best {
        Some(Best {
            label,
            share,
            confident,
        }) => {
            let not_sure =
                (!confident).then(|| view! { <span class="hidden">" ("{t("not_sure")}")"</span> });
            view! {
                <td class:abstained=!confident>
                    <span class="label">{label}</span>
                    " "
                    <span class="share">{share}</span>
                    {not_sure}
                </td>
            }
            .into_any()
        }
        None => view! { <td class="abstained">"–"</td> }.into_any(),
    }
}
