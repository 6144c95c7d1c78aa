//! Which members of a balancer of Apache httpd take requests: sets, spares and standbys.

use std::collections::BTreeSet;

/// A member, as the choice sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApacheMember {
    /// `lbset`: 0 to 99.
    pub set: u8,
    /// What it is there for.
    pub role: ApacheRole,
    /// Whether it is neither disabled nor stopped nor in error, and is not drained.
    pub usable: bool,
}

/// What a member is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApacheRole {
    /// To take requests.
    Regular,
    /// In the place of a regular member of its set that is not usable (`status=+R`).
    Spare,
    /// If nobody else in its set is left (`status=+H`).
    Standby,
}

/// Which members take new requests, in the members' order: those of the lowest set in which anybody can. There the regular
/// ones that are usable, a spare for each that is not, and the standbys if that is nobody.
///
/// `proxy_balancer_get_best_worker` in httpd's `modules/proxy/proxy_util.c`.
pub fn apache_turns(members: &[ApacheMember]) -> Vec<bool> {
    let sets: BTreeSet<u8> = members.iter().map(|member| member.set).collect();
    let turns = sets.into_iter().map(|set| of_set(members, set));
    let mut found = turns.filter(|turns| turns.contains(&true));
    found.next().unwrap_or_else(|| vec![false; members.len()])
}

fn of_set(members: &[ApacheMember], set: u8) -> Vec<bool> {
    let is = |member: &ApacheMember, role| member.set == set && member.role == role;
    let lost = |member: &&ApacheMember| is(member, ApacheRole::Regular) && !member.usable;
    let mut wanted = members.iter().filter(lost).count();
    let turn = |member: &ApacheMember| match member.role {
        _ if member.set != set || !member.usable => false,
        ApacheRole::Regular => true,
        ApacheRole::Spare if wanted > 0 => {
            wanted -= 1;
            true
        }
        ApacheRole::Spare | ApacheRole::Standby => false,
    };
    let turns: Vec<bool> = members.iter().map(turn).collect();
    if turns.contains(&true) {
        return turns;
    }
    let standby = |member: &ApacheMember| is(member, ApacheRole::Standby) && member.usable;
    members.iter().map(standby).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `0`, `0R`, `1Hx`: set, role, and whether it is unusable.
    fn turns(members: &[&str]) -> Vec<usize> {
        let member = |text: &&str| ApacheMember {
            set: text[..1].parse().unwrap(),
            role: match text.get(1..2) {
                Some("R") => ApacheRole::Spare,
                Some("H") => ApacheRole::Standby,
                _ => ApacheRole::Regular,
            },
            usable: !text.ends_with('x'),
        };
        let members: Vec<ApacheMember> = members.iter().map(member).collect();
        let turns = apache_turns(&members).into_iter().enumerate();
        turns
            .filter(|(_, turn)| *turn)
            .map(|(index, _)| index)
            .collect()
    }

    #[test]
    fn the_lowest_set_that_can() {
        assert_eq!(turns(&["1", "0", "0"]), [1, 2]);
        assert_eq!(turns(&["3", "3", "4"]), [0, 1]);
        assert_eq!(turns(&["0x", "7"]), [1]);
        // A standby comes before the next set.
        assert_eq!(turns(&["0x", "0H", "1"]), [1]);
        assert_eq!(turns(&["0x", "1R", "1"]), [2]);
    }

    #[test]
    fn spares_stand_in_one_by_one() {
        assert_eq!(turns(&["0", "0", "0R"]), [0, 1]);
        assert_eq!(turns(&["0x", "0", "0R", "0R"]), [1, 2]);
        assert_eq!(turns(&["0x", "0R", "0H"]), [1]);
        // Without a regular member they stand in for nobody.
        assert_eq!(turns(&["0R", "0R"]), [0_usize; 0]);
        assert_eq!(turns(&["0R", "0H"]), [1]);
    }
}
