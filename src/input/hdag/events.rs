//! When a conditional service starts, in the words of an application file.

use super::descriptor::{DescribedService, Descriptor, Trigger};
use super::fields::Reader;
use super::native::Tree;
use crate::input::node::Node;

/// `start_when` of a service, where it has one.
pub fn start_when(
    _descriptor: &Descriptor,
    service: &DescribedService,
    _node: &Node,
    _reader: &mut Reader,
) -> Option<Tree> {
    match &service.deployment.trigger {
        Trigger::Auto { .. } | Trigger::Event { .. } => None,
    }
}
