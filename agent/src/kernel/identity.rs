//! Who counts: one of each kind may on a host, and those of different kinds do so side by side.
//!
//! Each has maps, marks in socket storage and a program of its own, so that neither sees what the other does: state callbacks
//! are asked for beside those that others asked for. What tells them apart is the name of the attached program.

use super::object::OBJECT;

/// The name that the hook has in the built object.
const BUILT: &str = "evenkeel_count";

/// Who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The agent that runs as a service.
    Agent,
    /// A gate, for as long as its command runs.
    Gate,
    /// A view in a terminal that found no agent to ask.
    Top,
}

impl Identity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Agent, Self::Gate, Self::Top];

    /// The name of the program in the kernel, of 15 characters at most.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Agent => BUILT,
            Self::Gate => "evenkeel_gate",
            Self::Top => "evenkeel_top",
        }
    }

    /// What it is, for messages: `another evenkeel agent`.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Gate => "gate",
            Self::Top => "top",
        }
    }

    /// Whose program this is.
    pub fn of(program: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|identity| identity.program() == program)
    }

    /// The object with the hook under this name: aya loads programs under the names of their symbols, and has no way to say
    /// another.
    pub(super) fn object(self) -> Vec<u8> {
        let mut object = OBJECT.to_vec();
        rename(&mut object, BUILT, self.program());
        object
    }
}

/// Gives a symbol another name, no longer than the old one, in the tables of strings: of symbols and of types.
fn rename(object: &mut [u8], from: &str, to: &str) {
    let whole = [b"\0", from.as_bytes(), b"\0"].concat();
    let mut name = to.as_bytes().to_vec();
    name.resize(from.len().max(to.len()), 0);
    let mut at = 0;
    while let Some(found) = object[at..]
        .windows(whole.len())
        .position(|part| part == whole)
    {
        let begin = at + found + 1;
        object[begin..begin + from.len()].copy_from_slice(&name[..from.len()]);
        at = begin + from.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(object: &[u8], name: &str) -> usize {
        let whole = [b"\0", name.as_bytes(), b"\0"].concat();
        object
            .windows(whole.len())
            .filter(|part| *part == whole)
            .count()
    }

    #[test]
    fn each_loads_the_same_programs_under_a_name_of_its_own() {
        for identity in Identity::ALL {
            let name = identity.program();
            // The kernel cuts what is longer (BPF_OBJ_NAME_LEN).
            assert!(name.len() <= 15 && name.len() <= BUILT.len(), "{name}");
            assert_eq!(Identity::of(name), Some(identity));
            let object = identity.object();
            assert_eq!(object.len(), OBJECT.len());
            assert_eq!(names(&object, name), names(OBJECT, BUILT), "{name}");
            assert!(names(&object, name) > 0);
            assert_eq!(
                names(&object, "evenkeel_walk"),
                names(OBJECT, "evenkeel_walk")
            );
        }
        assert_eq!(names(&Identity::Gate.object(), BUILT), 0);
        assert_eq!(Identity::of("tcp_tuner"), None);
    }
}
