//! The event core under the hold model, next to two peers in the same run: `simcore` 0.1 and `nexosim` 1.0.
//!
//! Hold model: N events are pending; handling one picks one of 1,000 components and schedules one successor after an
//! exponential delay of mean 1 s. Time is measured all in: queue, handler, random numbers and logarithm. The same draws
//! in the same order everywhere, so equal checksums mean that the events happened in the same order; that is asserted
//! before anything is timed.
//!
//! `nexosim` runs on one thread (it is faster so, and only so deterministic). Its models schedule on themselves only, so
//! there the component that is picked does not matter and each model draws from its own stream: less work, not more.
//!
//! `cargo bench --bench kernel` takes about a minute; with `SMO_BENCH_SMOKE` set, a few seconds at the smallest size.

#![expect(clippy::print_stdout, reason = "a bench prints its result")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "delays are positive and below 2^53 ns")]
#![allow(missing_docs, reason = "serves nobody outside")]

mod hold;
mod peers;
mod table;

use criterion::{BenchmarkId, Criterion, SamplingMode};
use hold::{COMPONENTS, Draws, HeapHold, Hold, OurHold, SEED, Visit};
use peers::{NexosimHold, SimcoreHold};
use smo::backend::sim::kernel::{Class, Kernel, Moment};
use smo::units::{Span, Time};
use std::time::{Duration, Instant};
use table::{BARS, Bar, SAMPLES, Samples, print_table};

/// A name, and how to build it with so many events pending.
pub struct Engine {
    name: &'static str,
    build: fn(u32) -> Box<dyn Hold>,
}

pub const ENGINES: &[Engine] = &[
    Engine { name: "smo", build: |pending| Box::new(OurHold::new(pending)) },
    Engine { name: "simcore", build: |pending| Box::new(SimcoreHold::new(pending)) },
    Engine { name: "nexosim", build: |pending| Box::new(NexosimHold::new(pending)) },
];

/// Events whose order is compared before anything is timed.
const EVENTS_CHECKED: u64 = 200_000;

fn main() {
    let is_smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let sizes = if is_smoke { &BARS[..1] } else { BARS };
    check_order(sizes);
    check_periodic();

    let (warm_up_ms, measurement_ms) = if is_smoke { (5, 20) } else { (300, 3_000) };
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(SAMPLES)
        .warm_up_time(Duration::from_millis(warm_up_ms))
        .measurement_time(Duration::from_millis(measurement_ms));
    let mut samples = Samples::new();
    for bar in sizes {
        for engine in ENGINES {
            time_hold(&mut criterion, &mut samples, (engine, bar.pending));
        }
    }
    time_periodic(&mut criterion, &mut samples);
    criterion.final_summary();
    print_table(&samples, sizes);
}

/// Our order, a plain heap's and `simcore`'s are the same; `nexosim` handles as many events as theory wants.
fn check_order(sizes: &[Bar]) {
    for bar in sizes {
        let mut reference = HeapHold::new(bar.pending);
        reference.run(EVENTS_CHECKED);
        for engine in ENGINES {
            let mut hold = (engine.build)(bar.pending);
            let handled = hold.run(EVENTS_CHECKED);
            let deviation = handled as f64 / EVENTS_CHECKED as f64 - 1.0;
            assert!(deviation.abs() < 0.1, "{}: {handled} events instead of {EVENTS_CHECKED}", engine.name);
            let is_same_order = hold.checksum().is_none_or(|checksum| Some(checksum) == reference.checksum());
            assert!(is_same_order, "{} has another order at {} pending", engine.name, bar.pending);
        }
    }
}

/// 1,000 periodic events of 15 s with spread phases, as scrapes are.
fn periodic_kernel() -> Kernel<Visit> {
    let mut kernel = Kernel::new();
    let mut draws = Draws(SEED);
    for component in 0..COMPONENTS {
        let first = Moment { time: Time(draws.next() % Span::seconds(15).0), class: Class(1) };
        kernel.every(first, Span::seconds(15), Visit::new(component));
    }
    kernel
}

fn run_periodic(kernel: &mut Kernel<Visit>, handled: &mut [u64], events: u64) {
    for _ in 0..events {
        let (_, visit) = kernel.pop().expect("periodic events do not end");
        handled[visit.component as usize] += 1;
    }
}

/// In ten periods, each event fires ten times.
fn check_periodic() {
    let mut handled = vec![0; COMPONENTS as usize];
    run_periodic(&mut periodic_kernel(), &mut handled, 10 * u64::from(COMPONENTS));
    assert!(handled.iter().all(|&count| count == 10), "a periodic event missed a turn");
}

fn time_hold(criterion: &mut Criterion, samples: &mut Samples, (engine, pending): (&Engine, u32)) {
    let mut hold = (engine.build)(pending);
    // Until the start, at which all events are due within the first seconds, has been forgotten.
    hold.run(2 * u64::from(pending));
    let series = samples.entry((engine.name, pending)).or_default();
    let mut group = criterion.benchmark_group(format!("hold/{pending}"));
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(BenchmarkId::from_parameter(engine.name), |bencher| {
        bencher.iter_custom(|events| {
            let start = Instant::now();
            let handled = hold.run(events);
            let elapsed = start.elapsed();
            series.push(elapsed.as_nanos() as f64 / handled.max(1) as f64);
            elapsed.mul_f64(events as f64 / handled.max(1) as f64)
        });
    });
    group.finish();
}

fn time_periodic(criterion: &mut Criterion, samples: &mut Samples) {
    let (mut kernel, mut handled) = (periodic_kernel(), vec![0; COMPONENTS as usize]);
    let series = samples.entry(("periodic", COMPONENTS)).or_default();
    criterion.bench_function("periodic/1000", |bencher| {
        bencher.iter_custom(|events| {
            let start = Instant::now();
            run_periodic(&mut kernel, &mut handled, events);
            let elapsed = start.elapsed();
            series.push(elapsed.as_nanos() as f64 / events as f64);
            elapsed
        });
    });
}
