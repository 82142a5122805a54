//! The fluid world against one that follows every single request: the same load, drawn and queued one by one.
//!
//! The reference knows nothing of the formulas: arrivals and services are drawn, a request waits in one queue for the first
//! free worker, and is dropped when the queue is as long as the limit allows. Both run on the same event core, which is
//! tested on its own.

use crate::world::{Scripted, cluster, per_second, scenario, service, simulate};
use rand::RngExt;
use smo::backend::sim::kernel::{Class, Kernel};
use smo::model::observation::Flow;
use smo::model::workload::{RateRow, RowsInMemory};
use smo::model::{Call, ServiceId};
use smo::seed::{Seed, Stream};
use smo::units::{Bytes, Ratio, Span, Time};
use std::collections::VecDeque;

/// A queue with workers, as it is drawn.
#[derive(Clone, Copy)]
struct Station {
    workers: u32,
    mean_service: f64,
    /// Exponential, or constant.
    exponential: bool,
    queue_max: usize,
}

#[derive(Clone, Copy)]
enum Event {
    Arrived,
    Served { station: usize, born: Time },
}

struct Line {
    stations: Vec<(Station, u32, VecDeque<Time>)>,
    kernel: Kernel<Event>,
    stream: Stream,
    latencies: Vec<f64>,
    dropped: usize,
}

impl Line {
    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.stream.random::<f64>()).ln()
    }

    fn enter(&mut self, station: usize, born: Time) {
        let (declared, busy, queue) = &mut self.stations[station];
        if *busy < declared.workers {
            *busy += 1;
            self.serve(station, born);
        } else if queue.len() < declared.queue_max {
            queue.push_back(born);
        } else {
            self.dropped += 1;
        }
    }

    fn serve(&mut self, station: usize, born: Time) {
        let declared = self.stations[station].0;
        let takes = if declared.exponential { self.exponential(declared.mean_service) } else { declared.mean_service };
        let at = self.kernel.now() + Span::from_seconds_f64(takes);
        self.kernel.schedule(at, Class(1), Event::Served { station, born });
    }

    fn leave(&mut self, station: usize, born: Time) {
        match self.stations[station].2.pop_front() {
            Some(next) => self.serve(station, next),
            None => self.stations[station].1 -= 1,
        }
        if station + 1 < self.stations.len() {
            self.enter(station + 1, born);
        } else {
            self.latencies.push((self.kernel.now() - born).as_seconds_f64());
        }
    }
}

/// Latencies in rising order, and the share dropped, of a Poisson stream through the stations.
fn request_level(rate: f64, seconds: u64, stations: &[Station]) -> (Vec<f64>, f64) {
    let stations = stations.iter().map(|station| (*station, 0, VecDeque::new())).collect();
    let (kernel, stream) = (Kernel::new(), Seed(7).stream("requests", 0));
    let mut line = Line { stations, kernel, stream, latencies: Vec::new(), dropped: 0 };
    line.kernel.schedule(Time::ZERO, Class(0), Event::Arrived);
    let mut arrived = 0usize;
    while let Some((now, event)) = line.kernel.pop() {
        match event {
            Event::Arrived if now >= crate::world::at(seconds) => {}
            Event::Arrived => {
                arrived += 1;
                let next = now + Span::from_seconds_f64(line.exponential(1.0 / rate));
                line.kernel.schedule(next, Class(0), Event::Arrived);
                line.enter(0, now);
            }
            Event::Served { station, born } => line.leave(station, born),
        }
    }
    line.latencies.sort_unstable_by(f64::total_cmp);
    (line.latencies, line.dropped as f64 / arrived as f64)
}

/// What the fluid world says of the same: (mean, p50, p95, p99) and the share dropped.
fn fluid(rate: u64, seconds: u64, stations: &[Station]) -> ([f64; 4], f64) {
    let declared = stations.iter().enumerate().map(|(index, station)| {
        let mut service = service(&format!("s{index}"), f64::from(station.workers) / station.mean_service);
        service.workers = station.workers;
        service
    });
    let call = |to: u32| Call { from: ServiceId(to - 1), to: ServiceId(to), per_request: Ratio::ONE, bytes: Bytes(0) };
    let count = u32::try_from(stations.len()).expect("there are few");
    let mut world = scenario(declared.collect(), (1..count).map(call).collect(), vec![cluster("a", 4)]);
    for (index, station) in (0..count).zip(stations) {
        let truth = &mut world.truth[ServiceId(index)];
        truth.service_variability = f64::from(u8::from(station.exponential));
        let capacity = f64::from(station.workers) / station.mean_service;
        truth.queue_limit = Span::from_seconds_f64(station.queue_max as f64 / capacity);
    }
    let row = RateRow { at: Time::ZERO, rates: vec![(ServiceId(0), per_second(rate))] };
    let load = RowsInMemory::new(vec![row], Span::seconds(seconds));
    let (totals, _) = simulate(world, load, Scripted((0..count).map(|index| (0, index, 0, 1)).collect()));
    let found = totals.latency.expect("there was traffic");
    let dropped: u128 = totals.by_service.iter().map(|service| service.flow.dropped).sum();
    let seconds = [found.mean, found.p50, found.p95, found.p99].map(Span::as_seconds_f64);
    (seconds, Flow::requests(dropped) / Flow::requests(totals.requests.offered))
}

fn compare(name: &str, rate: u64, stations: &[Station], tolerance: f64) {
    let (latencies, _) = request_level(rate as f64, 20_000, stations);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into a list")]
    let at = |share: f64| latencies[(share * latencies.len() as f64) as usize];
    let mean = latencies.iter().sum::<f64>() / latencies.len() as f64;
    let (found, dropped) = fluid(rate, 20_000, stations);
    assert!(dropped.abs() < 1e-12, "{name}: nothing is dropped below capacity");
    for (what, found, drawn) in
        [("mean", found[0], mean), ("p50", found[1], at(0.5)), ("p95", found[2], at(0.95)), ("p99", found[3], at(0.99))]
    {
        println!(
            "{name} {what}: fluid {found:.4} s, request by request {drawn:.4} s ({:+.1} %)",
            (found / drawn - 1.0) * 100.0
        );
        assert!(
            (found / drawn - 1.0).abs() < tolerance,
            "{name} {what}: fluid {found} s, request by request {drawn} s"
        );
    }
}

const fn station(workers: u32, mean_service: f64, exponential: bool) -> Station {
    Station { workers, mean_service, exponential, queue_max: 1_000_000 }
}

#[test]
fn stable_queues_take_as_long_as_when_every_request_is_followed() {
    compare("M/M/1 at 70 %", 70, &[station(1, 0.010, true)], 0.03);
    compare("M/M/4 at 85 %", 34, &[station(4, 0.100, true)], 0.05);
    compare("M/D/1 at 80 %", 80, &[station(1, 0.010, false)], 0.05);
    compare("two M/M/1 in line", 60, &[station(1, 0.010, true), station(1, 0.012, true)], 0.03);
}

/// 150/s into 100/s with room for 500: a third is dropped, and those that are served wait 5 s.
#[test]
fn an_overloaded_queue_drops_and_delays_as_when_every_request_is_followed() {
    let crowded = Station { queue_max: 500, ..station(1, 0.010, true) };
    let (latencies, dropped) = request_level(150.0, 10_000, &[crowded]);
    let mean = latencies.iter().sum::<f64>() / latencies.len() as f64;
    let (found, lost) = fluid(150, 10_000, &[crowded]);
    println!(
        "overload: fluid {:.3} s and {lost:.4} dropped, request by request {mean:.3} s and {dropped:.4}",
        found[0]
    );
    assert!((found[0] / mean - 1.0).abs() < 0.02 && (lost / dropped - 1.0).abs() < 0.02);
}
