//! Files, conversions and the algebra of edits.

use super::*;

/// Goal: a file reads back as what was written: services, rows, gaps, its clock and its end.
/// Method: random traces in every format that can be written, in each of its packings.
#[test]
fn every_writable_format_reads_back_as_it_was_written() {
    in_scratch("formats", |dice, folder, seed| {
        let table = random(dice);
        for writer in WRITERS {
            for extension in writer.extensions {
                let path = folder.join(format!("{}{extension}", writer.name));
                table.write(&path, writer.name);
                let found = read(&path);
                let message = format!("{seed}, {}{extension}", writer.name);
                assert_eq!((found.begin, found.end), (table.begin, table.end), "{message}");
                assert_eq!(found.services, table.services, "{message}");
                assert_eq!(found.rows[..table.rows.len()], table.rows, "{message}");
                // At most two rows more, which say where the end is.
                assert!(found.rows.len() <= table.rows.len() + 2, "{message}");
                assert_eq!(found.survey().requests, table.survey().requests, "{message}");
            }
        }
    });
}

/// Goal: through any chain of formats not a unit of 10⁻¹⁵ requests is lost.
#[test]
fn conversions_conserve_every_request() {
    in_scratch("conversions", |dice, folder, seed| {
        let (mut path, table) = sample(dice, folder);
        for turn in 0..6 {
            let formats: Vec<&str> = WRITERS.iter().map(|writer| writer.name).collect();
            let format = dice.pick(&formats);
            let writer = WRITERS.iter().find(|writer| writer.name == format).expect("it is one");
            let next = folder.join(format!("{turn}{}", dice.pick(writer.extensions)));
            read(&path).write(&next, format);
            path = next;
            assert_eq!(read(&path), table, "{seed}, turn {turn}: {format}");
        }
    });
}

/// Goal: the totals of real traces, in every format that can be read, come through every format that can be written.
#[test]
fn conversions_of_real_traces_conserve_their_totals() {
    let Some(data) = crate::data_dir() else { return println!("skipped: there is no data folder") };
    let recorded = [
        ("nasa_http_1995/rps_60s.csv.gz", 3_461_610),
        ("azure_llm_2023/rps_1s.csv.gz", 8_819 + 19_366),
        ("azure_llm_2023/raw/AzureLLMInferenceTrace_conv.csv.gz", 19_366),
        ("limbo_wikipedia_ibm/rps_wikipedia_1h.csv", 2_112_744_963),
        ("mooncake_llm/conversation_arrivals.csv.gz", 12_031),
        ("azure_functions_samples/femux_containers_per_min.csv.gz", 2_186_820),
    ];
    let scratch = tempfile::tempdir().expect("a temporary directory");
    for (file, total) in recorded {
        let table = read(&data.join(file));
        assert_eq!(table.survey().total().nearest(), total, "{file}");
        for (name, format) in [
            ("a.csv", "long-csv"),
            ("b.csv.zst", "wide-csv"),
            ("c.parquet", "long-parquet"),
            ("d.parquet", "wide-parquet"),
        ] {
            let path = scratch.path().join(name);
            table.write(&path, format);
            let found = read(&path);
            assert_eq!(found.survey().requests, table.survey().requests, "{file} as {format}");
            assert_eq!((found.begin, found.end), (table.begin, table.end), "{file} as {format}");
        }
        let hourly = must(&scratch.path().join("a.csv"), "resample 1h");
        assert_eq!(hourly.survey().total().nearest(), total, "{file} by the hour");
    }
}

#[test]
fn edits_of_levels_times_and_names_commute() {
    in_scratch("commute", |dice, folder, seed| {
        let (path, _) = sample(dice, folder);
        let pairs = [
            ("scale 3/2", "shift 90s"),
            ("scale 3/2", "rename \"web-*\" to \"shop-*\""),
            ("shift 90s", "rename \"web-*\" to \"shop-*\""),
            ("scale 3/2", "scale 7"),
            ("shift 10s", "shift 1h"),
            ("select service web-1 | shift 7s", "scale 0.3"),
            ("scale 0", "cut ..1us"),
            ("repeat 3", "scale 5"),
            ("repeat 2", "rename web-1 to one"),
        ];
        for (first, second) in pairs {
            let (a, b) = (must(&path, &format!("{first}\n{second}")), must(&path, &format!("{second}\n{first}")));
            same_load(&a, &b, &format!("{seed}: {first} and {second}"));
        }
    });
}

#[test]
fn edits_that_do_not_commute_are_kept_in_order() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let path = scratch.path().join("a.csv");
    fs::write(&path, "timestamp_s,a\n0,1\n10,2\n20,3\n30,4\n").expect("the directory takes files");
    let pairs =
        [("shift 10s", "cut 10s..30s"), ("scale 2", "clip ..3/s"), ("scale 2", "add 1/s"), ("repeat 2", "cut 5s..25s")];
    for (first, second) in pairs {
        let (a, b) = (must(&path, &format!("{first}; {second}")), must(&path, &format!("{second}; {first}")));
        assert!(a != b, "{first} and {second}");
    }
    // 1, 2, 3, 4 for 10 s each; doubled and clipped at 3: 2, 3, 3, 3. Clipped and doubled: 2, 4, 6, 6.
    let rates =
        |script: &str| must(&path, script).rows.iter().map(|row| row.rates[0].1.0 / 1_000_000).collect::<Vec<_>>();
    assert_eq!(rates("scale 2; clip ..3/s"), [2, 3, 3, 3]);
    assert_eq!(rates("clip ..3/s; scale 2"), [2, 4, 6, 6]);
}

#[test]
fn scaling_back_is_the_identity() {
    in_scratch("scale", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        for (there, back) in
            [("2", "0.5"), ("0.5", "2"), ("1/3", "3"), ("7/13", "13/7"), ("10%", "10"), ("0.001", "1000")]
        {
            assert_eq!(must(&path, &format!("scale {there} | scale {back}")), table, "{seed}: {there} and {back}");
        }
        same_load(&must(&path, "shift 5s | shift -5s"), &table, seed);
    });
}

/// Goal: `cut A..B | cut C..D` is `cut A+C..A+D`, a trace that is repeated begins with itself, and so on.
#[test]
fn cut_and_repeat_obey_their_algebra() {
    in_scratch("cut", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        let span = table.end.0;
        let (a, c) = (dice.below(span / 2), dice.below(span / 4));
        let (b, d) = (a + span / 2, c + 1 + dice.below(span / 4));
        let inner = must(&path, &format!("cut {a}ns..{b}ns | cut {c}ns..{d}ns"));
        same_load(&inner, &must(&path, &format!("cut {}ns..{}ns", a + c, a + d)), seed);
        same_load(&must(&path, &format!("cut ..{span}ns")), &table, seed);
        same_load(&must(&path, &format!("repeat 3 | cut ..{span}ns")), &table, seed);
        same_load(&must(&path, "repeat 2 | repeat 3"), &must(&path, "repeat 6"), seed);
        same_load(&must(&path, "repeat 1"), &table, seed);
        let four = must(&path, "repeat 4");
        assert_eq!(four.end.0, 4 * span, "{seed}");
        for (once, fourfold) in table.survey().requests.iter().zip(&four.survey().requests) {
            assert_eq!(once.0 * 4, fourfold.0, "{seed}");
        }
        let parts = [format!("cut ..{a}ns"), format!("cut {a}ns..")].map(|script| edited(&path, &script));
        if let [Ok(first), Ok(second)] = parts {
            for index in 0..table.services.count() {
                let id = ServiceId(u32::try_from(index).expect("small"));
                let sum = first.survey().of(id).0 + second.survey().of(id).0;
                assert_eq!(sum, table.survey().of(id).0, "{seed}");
            }
        }
    });
}

/// Goal: at every time, a level edit, a shift, a merge, a sum do what they say.
/// Method: the rate at random times against a formula on the rate before.
#[test]
fn edits_do_at_every_time_what_they_say() {
    in_scratch("rates", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        let span = table.end.0;
        let (from, until) = (dice.below(span / 2), span / 2 + 1 + dice.below(span / 2));
        let during = format!("select service web-1 during {from}ns..{until}ns");
        let tripled = must(&path, &format!("{during} | scale 3"));
        let set = must(&path, &format!("{during} | set 7/s"));
        let more = must(&path, &format!("{during} | add 7/s"));
        let late = must(&path, &format!("select service web-1 | shift {from}ns"));
        let early = must(&path, &format!("select service web-1 | shift -{from}ns"));
        let twice = must(&path, "merge \"trace.csv\" adding");
        let sum = must(&path, "sum into all");
        for _ in 0..50 {
            let at = dice.below(span);
            let (before, inside) = (table.rate(0, at), (from..until).contains(&at));
            let is = |found: (&Table, &str), expected: u64| {
                assert_eq!(found.0.rate(0, at), expected, "{seed}, {}, at {at} of {from}..{until}, {span}", found.1);
            };
            is((&tripled, "tripled"), if inside { 3 * before } else { before });
            is((&set, "set"), if inside { 7_000_000 } else { before });
            is((&more, "more"), if inside { 7_000_000 + before } else { before });
            is((&late, "late"), if at < from { 0 } else { table.rate(0, at - from) });
            is((&early, "early"), table.rate(0, at + from));
            is((&twice, "twice"), 2 * before);
            let all: u64 =
                (0..table.services.count()).map(|id| table.rate(u32::try_from(id).expect("small"), at)).sum();
            is((&sum, "sum"), all);
            for other in 1..table.services.count() {
                let other = u32::try_from(other).expect("small");
                for found in [&tripled, &set, &late, &early] {
                    assert_eq!(found.rate(other, at), table.rate(other, at), "{seed}: others stay");
                }
            }
        }
    });
}

/// Goal: a resampled trace has every request: half a millionth a second of one step may be left over.
#[test]
fn resampling_conserves_requests() {
    in_scratch("resample", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        let span = table.end.0;
        for step in [span, span / 3 + 1, span / 50 + 1, 7 * span] {
            let found = must(&path, &format!("resample {step}ns"));
            assert!(found.end.0 >= span && found.end.0 < span + step, "{seed}, {step}");
            assert!(found.rows.iter().all(|row| row.at.0.is_multiple_of(step)), "{seed}, {step}");
            for (was, is) in table.survey().requests.iter().zip(&found.survey().requests) {
                assert!(was.0.abs_diff(is.0) <= u128::from(step / 2 + 1), "{seed}, {step}: {was:?} {is:?}");
            }
            let again = must(&path, &format!("resample {step}ns | resample {step}ns"));
            assert_eq!(again, found, "{seed}, {step}");
        }
    });
}

#[test]
fn filling_leaves_no_rate_unknown_and_changes_none_that_is_known() {
    in_scratch("fill", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        same_load(&must(&path, "fill previous"), &table, seed);
        for how in ["previous", "zero", "linear"] {
            let found = must(&path, &format!("fill {how}"));
            let mut known = vec![false; table.services.count()];
            for row in &found.rows {
                row.rates.iter().for_each(|(service, _)| known[service.0 as usize] = true);
                assert_eq!(row.rates.len(), known.iter().filter(|known| **known).count(), "{seed}, {how}");
            }
            for row in &table.rows {
                let stated = row.rates.iter();
                stated.for_each(|(service, rate)| assert_eq!(found.rate(service.0, row.at.0), rate.0, "{seed}, {how}"));
            }
        }
    });
}

/// Goal: smoothing keeps a constant rate, and the highest and lowest rates are bounds.
#[test]
fn smoothing_stays_within_the_rates_there_are() {
    in_scratch("smooth", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        let window = 1 + dice.below(2 * table.end.0);
        let found = must(&path, &format!("smooth {window}ns"));
        assert_eq!(found.rows.len(), table.rows.len(), "{seed}");
        for id in 0..u32::try_from(table.services.count()).expect("small") {
            let rates = || table.rows.iter().flat_map(|row| &row.rates).filter(|(service, _)| service.0 == id);
            let (low, high) = (rates().map(|(_, rate)| *rate).min(), rates().map(|(_, rate)| *rate).max());
            let smooth = found.rows.iter().flat_map(|row| &row.rates).filter(|(service, _)| service.0 == id);
            smooth.for_each(|(_, rate)| {
                assert!(low <= Some(*rate) && Some(*rate) <= high, "{seed}: {low:?} {rate:?} {high:?}");
            });
        }
        let flat = must(&path, &format!("set 5/s | smooth {window}ns"));
        assert!(flat.rows.iter().flat_map(|row| &row.rates).all(|(_, rate)| *rate == Rate(5_000_000)), "{seed}");
    });
}

/// Goal: lines in any order become the trace that they are.
#[test]
fn a_shuffled_file_sorts_to_the_trace_that_it_was() {
    in_scratch("sort", |dice, folder, seed| {
        let (path, table) = sample(dice, folder);
        for format in ["long-csv", "wide-csv", "long-parquet"] {
            let written = folder.join(if format == "long-parquet" { "x.parquet" } else { "x.csv" });
            table.write(&written, format);
            if format == "long-parquet" {
                assert_eq!(must(&written, "sort"), table, "{seed}");
                continue;
            }
            let text = fs::read_to_string(&written).expect("it was written");
            let mut records = csv::Reader::from_reader(text.as_bytes());
            let mut lines: Vec<csv::StringRecord> = records.records().map(|record| record.expect("CSV")).collect();
            for index in (1..lines.len()).rev() {
                lines.swap(index, usize::try_from(dice.below(index as u64 + 1)).expect("small"));
            }
            let mut out = csv::Writer::from_path(&path).expect("the directory takes files");
            out.write_record(records.headers().expect("there are some")).expect("it takes it");
            for line in &lines {
                out.write_record(line).expect("it takes it");
            }
            out.flush().expect("it takes it");
            let sorted = must(&path, "sort");
            same_load(&sorted, &table, &format!("{seed}, {format}"));
            assert_eq!(sorted.rows.len(), table.rows.len(), "{seed}, {format}");
        }
    });
}
