//! Which Helm it is: 3.17 and 4 differ in flags, in output and in how they apply.

use std::fmt;

/// The oldest Helm that is spoken to: the last line of Helm 3 that this was tried with.
pub const OLDEST: Version = Version { major: 3, minor: 17, patch: 0 };

/// A version of Helm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 3 or 4.
    pub major: u32,
    /// The line.
    pub minor: u32,
    /// The release of the line.
    pub patch: u32,
}

impl Version {
    /// What `helm version --short` says, like `v3.17.2+gcc0bbbd`; nothing where it is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let numbers = text.trim().strip_prefix('v')?.split(['+', '-', ' ']).next()?;
        let mut numbers = numbers.split('.').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Self { major: next()?, minor: next()?, patch: next()? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::{OLDEST, Version};

    #[test]
    fn versions_are_read_and_ordered() {
        let of = |text| Version::parse(text).map(|version| version.to_string());
        assert_eq!(of("v3.17.2+gcc0bbbd\n").as_deref(), Some("3.17.2"));
        assert_eq!(of("v4.1.4+g05fa379").as_deref(), Some("4.1.4"));
        assert_eq!(of("v4.0.0-rc.1+g1").as_deref(), Some("4.0.0"));
        for wrong in ["", "3.17.2", "Client: v2.17.0", "v3.17", "vfour"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        let older = Version::parse("v3.9.4+g1").unwrap();
        assert!(older < OLDEST && OLDEST < Version::parse("v4.0.0").unwrap());
    }
}
