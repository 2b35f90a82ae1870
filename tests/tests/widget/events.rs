//! The element's events.

use serde_json::{Value, json};

use crate::{ELEMENT, POSTS, element, heard, page, settled};

#[test]
fn events_tell_what_happens() {
    page("", &element("id=one backend=cpu")).run(async |page| {
        settled(&page, ELEMENT).await;
        for event in heard(&page, "progress").await {
            let detail = &event["detail"];
            let numbers = [&detail["received"], &detail["total"]].map(Value::as_u64);
            let [received, total] = numbers;
            assert!(
                received.is_some() && received <= total.or(received),
                "{event}"
            );
        }
        let progress = heard(&page, "progress").await;
        let of_model = |event: &Value| event["detail"]["asset"] == "model";
        assert!(progress.iter().any(of_model), "{progress:?}");

        let ready = heard(&page, "ready").await;
        assert_eq!(ready.len(), 1);
        assert_eq!(ready[0]["id"], "one");
        let detail = &ready[0]["detail"];
        assert_eq!(detail["card"]["languages"], json!(["en"]));
        assert_eq!(detail["attributes"][1]["name"], "age");
        assert_eq!(detail["backend"], json!({ "cpu": { "because": null } }));

        let predictions = heard(&page, "prediction").await;
        assert_eq!(predictions.len(), 1);
        let detail = &predictions[0]["detail"];
        assert_eq!(detail["text"], POSTS.join("\n"));
        let predicted = tests::predict(&POSTS);
        for field in ["words", "known_words"] {
            assert_eq!(detail["prediction"][field], predicted[field]);
        }
        assert_eq!(
            detail["prediction"]["predictions"]["gender"]["label"],
            predicted["predictions"]["gender"]["label"]
        );
        assert_eq!(heard(&page, "error").await, [Value::Null; 0]);
    });
}
