//! The knapsack's exact answer, looked for around the greedy one.
//!
//! Items that are alike are one class. Sorted by `w/c`, greedy takes all classes before the *break* class and none behind it.
//! An optimum differs from that in few classes near the break: leaving one in before it, or giving one up behind it, costs the
//! distance of its rate from the break's. So classes are opened one by one, by turns behind and before the break; a state is
//! what the opened classes free and cost. Two rules keep the states few (as in Pisinger's expanding core for the bounded
//! knapsack, 1997 and 2000):
//!
//! - one that frees less and costs more than another is dropped;
//! - one is dropped that cannot beat the best answer: what it still lacks costs at least the rate of the next class behind, what
//!   it has too much saves at most the rate of the next class before.
//!
//! When no state is left, the best answer is proved. States are at most as many as there are different sums, so the work is
//! bounded as that of the table is; where they grow beyond a limit, the search ends without a proof.

use super::cover::Item;

/// States that are kept at most before the search gives up.
const STATES_MAX: usize = 1 << 16;

/// Steps that are remembered at most.
const STEPS_MAX: usize = 1 << 22;

/// Items that are alike.
struct Class {
    item: Item,
    members: Vec<usize>,
}

/// What the opened classes come to.
#[derive(Debug, Clone, Copy)]
struct State {
    frees: u128,
    costs: u128,
    /// The last step that led here; `NO_STEP` for none.
    step: u32,
}

/// So many units of a class more (behind the break) or fewer (before it) than greedy takes.
struct Step {
    before: u32,
    class: usize,
    units: u32,
}

const NO_STEP: u32 = u32::MAX;

/// One search.
pub struct Search<'a> {
    items: &'a [Item],
    classes: Vec<Class>,
    needed: u128,
    /// The first class that greedy does not take as a whole.
    split: usize,
    steps: Vec<Step>,
    best: State,
}

impl<'a> Search<'a> {
    /// Around the greedy answer for `items`, whose `order` is by rising rate; they must be enough.
    pub fn new(items: &'a [Item], order: &[usize], needed: u128) -> Self {
        let classes = classes(items, order);
        let (mut split, mut frees, mut costs) = (0, 0u128, 0u128);
        for class in &classes {
            let size = u128::from(class.item.size) * u128::from(class.item.count);
            if frees + size >= needed {
                break;
            }
            frees += size;
            costs += u128::from(class.item.price) * u128::from(class.item.count);
            split += 1;
        }
        Self { items, classes, needed, split, steps: Vec::new(), best: State { frees, costs, step: NO_STEP } }
    }

    /// The best answer, and whether it is proved: it is not where there would be too many states, and then it costs at most
    /// the price of one unit too much.
    pub fn run(mut self) -> (Vec<u32>, bool) {
        let mut states = vec![self.best];
        self.round_up();
        let (mut left, mut right) = (self.split, self.split);
        let mut is_behind = true;
        while !states.is_empty() && (left > 0 || right < self.classes.len()) {
            is_behind = (is_behind || left == 0) && right < self.classes.len();
            if is_behind {
                right += 1;
            } else {
                left -= 1;
            }
            let class = if is_behind { right - 1 } else { left };
            let Some(opened) = self.open(states, class, (left, right)) else { return (self.counts(), false) };
            states = opened;
            is_behind = !is_behind;
        }
        (self.counts(), true)
    }

    /// Greedy with the last unit rounded up: the first answer.
    fn round_up(&mut self) {
        let Item { size, price, .. } = self.classes[self.split].item;
        let lacks = self.needed - self.best.frees;
        let units = u32::try_from(lacks.div_ceil(size.into())).expect("the class that is split has enough");
        self.steps.push(Step { before: NO_STEP, class: self.split, units });
        self.best.frees += u128::from(size) * u128::from(units);
        self.best.costs += u128::from(price) * u128::from(units);
        self.best.step = 0;
    }

    /// All states with every number of units of one more class, without those that are of no use; `left..right` are open then.
    fn open(&mut self, states: Vec<State>, class: usize, (left, right): (usize, usize)) -> Option<Vec<State>> {
        let Item { size, price, count } = self.classes[class].item;
        let (size, price, is_behind) = (u128::from(size), u128::from(price), class >= self.split);
        let shift = |state: &State| {
            let (frees, costs) = if is_behind {
                (state.frees + size, state.costs + price)
            } else {
                (state.frees - size, state.costs - price)
            };
            State { frees, costs, step: state.step }
        };
        let mut front = states.clone();
        let mut kept = states;
        kept.retain(|state| self.is_useful(state, (left, right)));
        for units in 1..=count {
            front = front.iter().map(shift).collect();
            self.note_best(&front, (class, units));
            // On its way to what is needed a state may become useful with more units; beyond it, it only gets worse.
            front.retain(|state| (state.frees < self.needed) == is_behind || self.is_useful(state, (left, right)));
            if front.is_empty() {
                break;
            }
            let mut shifted: Vec<State> =
                front.iter().copied().filter(|state| self.is_useful(state, (left, right))).collect();
            for state in &mut shifted {
                self.steps.push(Step { before: state.step, class, units });
                state.step = u32::try_from(self.steps.len() - 1).ok()?;
            }
            kept = merged(&kept, &shifted);
            if kept.len() > STATES_MAX || self.steps.len() > STEPS_MAX {
                return None;
            }
        }
        Some(kept)
    }

    /// Remembers the cheapest of `states` that frees enough, if it beats the best answer.
    fn note_best(&mut self, states: &[State], (class, units): (usize, u32)) {
        let enough = states.iter().filter(|state| state.frees >= self.needed && state.costs < self.best.costs);
        if let Some(state) = enough.min_by_key(|state| state.costs).copied() {
            self.steps.push(Step { before: state.step, class, units });
            let step = u32::try_from(self.steps.len() - 1).expect("steps are limited");
            self.best = State { step, ..state };
        }
    }

    /// Whether something that follows from `state` with the classes outside `left..right` may beat the best answer.
    fn is_useful(&self, state: &State, (left, right): (usize, usize)) -> bool {
        let bound = if state.frees >= self.needed {
            let surplus = state.frees - self.needed;
            let before = left.checked_sub(1).map(|class| self.classes[class].item);
            let saves = before.map_or(0, |item| surplus * u128::from(item.price) / u128::from(item.size));
            state.costs.saturating_sub(saves)
        } else {
            let Some(behind) = self.classes.get(right) else { return false };
            let lacks = self.needed - state.frees;
            state.costs + (lacks * u128::from(behind.item.price)).div_ceil(behind.item.size.into())
        };
        bound < self.best.costs
    }

    /// The best answer by item.
    fn counts(&self) -> Vec<u32> {
        let mut by_class: Vec<u32> = self
            .classes
            .iter()
            .enumerate()
            .map(|(index, class)| if index < self.split { class.item.count } else { 0 })
            .collect();
        let mut step = self.best.step;
        while step != NO_STEP {
            let Step { before, class, units } = self.steps[step as usize];
            if class < self.split {
                by_class[class] -= units;
            } else {
                by_class[class] += units;
            }
            step = before;
        }
        let mut counts = vec![0; self.items.len()];
        for (class, mut left) in self.classes.iter().zip(by_class) {
            for member in &class.members {
                counts[*member] = self.items[*member].count.min(left);
                left -= counts[*member];
            }
        }
        counts
    }
}

/// Items of one size and price together, in the given order.
fn classes(items: &[Item], order: &[usize]) -> Vec<Class> {
    let mut order = order.to_vec();
    order.sort_by(|a, b| items[*a].by_rate(&items[*b]).then(items[*a].size.cmp(&items[*b].size)).then(a.cmp(b)));
    let mut classes: Vec<Class> = Vec::new();
    for index in order {
        let item = items[index];
        match classes.last_mut().filter(|class| class.item.size == item.size && class.item.price == item.price) {
            Some(class) if class.item.count.checked_add(item.count).is_some() => {
                class.item.count += item.count;
                class.members.push(index);
            }
            _ => classes.push(Class { item, members: vec![index] }),
        }
    }
    classes
}

/// Both lists by rising size, without states that free less than another and cost as much or more.
fn merged(one: &[State], other: &[State]) -> Vec<State> {
    let mut all = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    loop {
        let next = match (one.peek(), other.peek()) {
            (Some(a), Some(b)) if (a.frees, std::cmp::Reverse(a.costs)) <= (b.frees, std::cmp::Reverse(b.costs)) => {
                one.next()
            }
            (_, Some(_)) => other.next(),
            (_, None) => one.next(),
        };
        let Some(next) = next else { return all };
        while all.last().is_some_and(|last: &State| last.costs >= next.costs) {
            all.pop();
        }
        all.push(*next);
    }
}
