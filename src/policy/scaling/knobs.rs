//! Parameters that several scalings have, once: the same name, default and meaning in all of them.

use super::Parameter;

pub(super) const STALE: Parameter =
    Parameter { name: "stale", default: "2 min", summary: "age from which on a rate is not believed any more" };

pub(super) const DOWN_AFTER: Parameter =
    Parameter { name: "down_after", default: "5 min", summary: "time for which a higher number is kept" };

pub(super) const SEASON: Parameter =
    Parameter { name: "season", default: "24 h", summary: "after how long the load repeats" };

pub(super) const LEAD: Parameter = Parameter {
    name: "lead",
    default: "start",
    summary: "from a decision to its effect, or `start`: by the service's start",
};
