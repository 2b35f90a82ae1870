//! The times of posts, in order to sort them.

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Milliseconds since 1970 of one of
///
/// * `2023-06-01T10:00:00.000Z` and its variants, with or without time of day and time zone, such as `2023年6月1日 10:00`,
/// * `20230601T100000Z`,
/// * `1.6.2023 10:00`, with the day before the month,
/// * `Wed Oct 10 20:19:20 +0000 2018` and `Wed, 10 Oct 2018 20:19:20 +0000`,
/// * seconds or milliseconds since 1970.
///
/// A time without a time zone is read as UTC, which serves to sort the posts of one file.
pub fn time(text: &str) -> Option<i64> {
    let text = text.trim();
    unix(text)
        .or_else(|| iso(text))
        .or_else(|| basic(text))
        .or_else(|| dotted(text))
        .or_else(|| weekday_first(text))
        .or_else(|| mail(text))
}

/// Milliseconds since 1970 at the start of a day; `month` counts from 1.
pub fn day(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    // Years that begin in March, so that the leap day is the last one.
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = 365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468;
    Some(days * DAY)
}

/// The number of a month by its English name or the first three letters of it.
pub fn month(name: &str) -> Option<i64> {
    let name = name.get(..3)?.to_ascii_lowercase();
    let index = MONTHS.iter().position(|month| *month == name)?;
    Some(index as i64 + 1)
}

fn unix(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(9..=13).contains(&whole.len()) || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    Some(if whole.len() >= 12 {
        number
    } else {
        number * SECOND
    })
}

fn iso(text: &str) -> Option<i64> {
    let (date, rest) = match text.find(['T', ' ']) {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, ""),
    };
    let mut parts = (date
        .trim_end_matches('日')
        .split(['-', '/', '.', '年', '月']))
    .map(|part| part.parse::<i64>().ok());
    let (year, month, of_month) = (parts.next()??, parts.next()??, parts.next()??);
    // Two digits would be a day or a short year.
    if parts.next().is_some() || year < 1000 {
        return None;
    }
    let start = day(year, month, of_month)?;
    Some(start + within_day(rest)?)
}

/// `10:00:00 +08:00`: milliseconds since midnight UTC of the day.
fn within_day(text: &str) -> Option<i64> {
    let text = text.trim_end_matches("UTC").trim_end_matches("GMT");
    let zone = text.find(['Z', '+', '-']).unwrap_or(text.len());
    Some(time_of_day(text[..zone].trim())? - time_zone(text[zone..].trim())?)
}

/// `20181010T201920Z`.
fn basic(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once('T')?;
    let (minutes, rest) = rest.split_at_checked(4)?;
    let number = |text: &str, from: usize, to: usize| {
        let digits = text.get(from..to)?;
        let are_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        are_digits.then(|| digits.parse::<i64>().ok())?
    };
    let start = day(
        number(date, 0, 4)?,
        number(date, 4, 6)?,
        number(date, 6, 8)?,
    )?;
    let of_day = format!(
        "{}:{}:{rest}",
        number(minutes, 0, 2)?,
        number(minutes, 2, 4)?
    );
    (date.len() == 8).then_some(start + within_day(&of_day)?)
}

/// `10.10.2018 20:19:20`.
fn dotted(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once([' ', ',']).unwrap_or((text, ""));
    let mut parts = date.split('.').map(|part| part.parse::<i64>().ok());
    let (of_month, month, year) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || year < 1000 {
        return None;
    }
    Some(day(year, month, of_month)? + within_day(rest)?)
}

/// `10:00`, `10:00:00` or `10:00:00.123`; the start of the day for an empty text.
fn time_of_day(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let mut parts = text.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next().unwrap_or("0").parse().ok()?;
    let is_time =
        (0..24).contains(&hours) && (0..60).contains(&minutes) && (0.0..61.0).contains(&seconds);
    is_time.then(|| hours * HOUR + minutes * MINUTE + (seconds * 1000.0) as i64)
}

/// `Z`, `+08:00` or `+0800` in milliseconds; zero for an empty text.
fn time_zone(text: &str) -> Option<i64> {
    let sign = match text.chars().next() {
        None | Some('Z') => return Some(0),
        Some('-') => -1,
        _ => 1,
    };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits.get(2..4).unwrap_or("0").parse().ok()?;
    Some(sign * (hours * HOUR + minutes * MINUTE))
}

fn weekday_first(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let [_weekday, name, of_month, of_day, zone, year] = parts[..] else {
        return None;
    };
    let start = day(year.parse().ok()?, month(name)?, of_month.parse().ok()?)?;
    Some(start + time_of_day(of_day)? - time_zone(zone)?)
}

/// The date of a mail (RFC 2822), with or without the weekday: `Wed, 10 Oct 2018 20:19:20 +0000`.
fn mail(text: &str) -> Option<i64> {
    let date = text.split_once(',').map_or(text, |(_weekday, date)| date);
    let mut parts = date.trim().splitn(4, ' ');
    let (of_month, name, year) = (parts.next()?, parts.next()?, parts.next()?);
    let year = year.parse().ok().filter(|year| *year >= 1000)?;
    let start = day(year, month(name)?, of_month.parse().ok()?)?;
    Some(start + within_day(parts.next().unwrap_or_default())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let expected = Some(1_539_202_760_000);
        for text in [
            "Wed Oct 10 20:19:20 +0000 2018",
            "2018-10-10T20:19:20.000Z",
            "2018-10-11 04:19:20+08:00",
            "2018-10-10T15:19:20.0000000-05:00",
            "2018-10-10 20:19:20",
            "2018/10/10 20:19:20",
            "2018.10.10 20:19:20",
            "20181010T201920.000Z",
            "2018年10月10日 20:19:20",
            "2018-10-10 20:19:20 UTC",
            "20181010T201920Z",
            "20181010T161920-0400",
            "10.10.2018 20:19:20",
            "10.10.2018, 20:19:20",
            "Wed, 10 Oct 2018 20:19:20 GMT",
            "Wed, 10 Oct 2018 22:19:20 +0200",
            "10 Oct 2018 20:19:20",
            "1539202760",
            "1539202760.0",
            "1539202760000",
        ] {
            assert_eq!(time(text), expected, "{text}");
        }
        assert_eq!(time("1970-01-01"), Some(0));
        assert_eq!(time("2020-02-29 00:01"), Some(1_582_934_460_000));
        assert_eq!(time("1969-12-31 23:59:59.5"), Some(-500));
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            "今天 09:15",
            "3分钟前",
            "5",
            "2018-13-10",
            "10-10-2018",
            "Wed Oct",
            "2018-10-10 25:00",
            "é-é-é",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn fuzz_times() {
        let times = [
            "Wed Oct 10 20:19:20 +0000 2018",
            "2018-10-10T15:19:20.0000000-05:00",
            "2018/10/10 20:19:20",
            "1539202760.5",
        ];
        fuzzing::fuzz("time", &times, |bytes| {
            time(&String::from_utf8_lossy(bytes));
        });
    }
}
