//! What one service does at given prices: the cheapest place for all of it, or the cheapest replicas wherever they are.

use super::Prices;

impl Prices<'_> {
    /// The cheapest place of a service that goes as a whole, or none where staying away is cheaper.
    #[inline]
    pub(super) fn pure(&self, prices: &[f64], service: usize) -> (f64, Option<usize>) {
        let row = &self.problem.services[service];
        let nothing = f64::from(row.demand) * row.shortage;
        let places = row.first as usize..row.end as usize;
        let (mut best, mut chosen) = (nothing, None);
        if self.problem.kinds == 1 && self.less.is_empty() && !self.common.has_budgets() {
            let columns = self.whole[places.clone()].iter().zip(&self.whole_share[places.clone()]);
            for (at, ((whole, share), row)) in columns.zip(&self.row[places.clone()]).enumerate() {
                let price = whole + share * prices[*row as usize];
                if price < best {
                    (best, chosen) = (price, Some(places.start + at));
                }
            }
            return (best, chosen);
        }
        for place in places {
            let price = self.whole(prices, place).0;
            if price < best {
                (best, chosen) = (price, Some(place));
            }
        }
        (best, chosen)
    }

    /// The cheapest replicas of a service, wherever they are: the general case. `take` is told what goes where.
    pub(super) fn fill(&self, prices: &[f64], service: usize, take: &mut impl FnMut(usize, f64)) -> f64 {
        if self.problem.services[service].is_single {
            return self.fill_single(prices, service, take);
        }
        self.fill_to(prices, (service, &mut 0.0), take)
    }

    /// Fills a service that may be split; `dearest` becomes the price of its last unit of work.
    pub(super) fn fill_to(
        &self,
        prices: &[f64],
        (service, dearest): (usize, &mut f64),
        take: &mut impl FnMut(usize, f64),
    ) -> f64 {
        let row = &self.problem.services[service];
        let places = self.problem.places_of(service);
        let (mut cost, mut left) = (0.0, f64::from(row.demand));
        // Whole replicas may do more work than is wanted, by less than one of them: only where they are worth having (the
        // balance pays for filling the emptiest cluster) does that make them cheaper.
        let yields_most = self.problem.places[places.clone()].iter().map(|at| at.yields).max().unwrap_or(1);
        let mut beyond = f64::from(yields_most.saturating_sub(1));
        let mut steps = Vec::with_capacity(2 * places.len());
        for place in places {
            let (at, full) = (&self.problem.places[place], self.problem.full(service, place));
            let (room, yields) = (self.room_price(prices, place), f64::from(at.yields.max(1)));
            cost += at.price(at.least) + f64::from(at.least) * room;
            left -= f64::from(at.least) * yields;
            take(place, f64::from(at.least));
            let present = at.incumbent.min(full).saturating_sub(at.least);
            steps.push(((at.cost + room) / yields, place, f64::from(present)));
            let more = full - at.least - present;
            steps.push(((at.cost + at.start + room) / yields, place, f64::from(more)));
        }
        steps.retain(|step| step.2 > 0.0);
        steps.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (price, place, most) in steps {
            if price >= row.shortage || (left <= 0.0 && (price >= 0.0 || left <= -beyond)) {
                break;
            }
            let yields = f64::from(self.problem.places[place].yields.max(1));
            beyond = if price < 0.0 { beyond } else { 0.0 };
            let replicas = most.min((left + beyond) / yields);
            cost += price * yields * replicas;
            left -= replicas * yields;
            *dearest = price;
            take(place, replicas);
        }
        if left > 1e-9 {
            *dearest = row.shortage;
        }
        cost + left.max(0.0) * row.shortage
    }

    /// The cheapest place and number of a service that may not be split. Costs are linear between none, what must stay, what
    /// is there, and all, so one of these is the cheapest.
    fn fill_single(&self, prices: &[f64], service: usize, take: &mut impl FnMut(usize, f64)) -> f64 {
        let row = &self.problem.services[service];
        let bound_to = self.problem.places_of(service).find(|place| self.problem.places[*place].least > 0);
        let nothing = f64::from(row.demand) * row.shortage;
        let (mut best, mut chosen) = (if bound_to.is_some() { f64::INFINITY } else { nothing }, None);
        let places = bound_to.map_or_else(|| self.problem.places_of(service), |place| place..place + 1);
        for place in places {
            let (at, full) = (&self.problem.places[place], self.problem.full(service, place));
            let room = self.room_price(prices, place);
            let but_a_rest = (row.demand / at.yields.max(1)).clamp(at.least, full);
            for replicas in [at.least, at.incumbent.clamp(at.least, full), but_a_rest, full] {
                let missing = f64::from(row.demand) - f64::from(replicas) * f64::from(at.yields);
                let price = at.price(replicas) + f64::from(replicas) * room + missing.max(0.0) * row.shortage;
                if price < best {
                    (best, chosen) = (price, Some((place, replicas)));
                }
            }
        }
        if let Some((place, replicas)) = chosen {
            take(place, f64::from(replicas));
        }
        best
    }
}
