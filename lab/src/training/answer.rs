//! What a trainee can name as the cause.

/// A cause: the agent's own, and that there is none in the balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The agent's word for it; `even` where the agent has no incident.
    pub id: &'static str,
    /// The same for people.
    pub words: &'static str,
    /// What it looks like, by which it is told from the others.
    pub pattern: &'static str,
}

/// Traffic is even: look elsewhere.
pub const EVEN: &str = "even";

/// All that can be answered, also what no scenario has.
pub const ANSWERS: [Answer; 12] = [
    Answer {
        id: "refusing",
        words: "a backend refuses connections or does not answer",
        pattern: "attempts to connect to a cold backend would fail",
    },
    Answer {
        id: "not_in_rotation",
        words: "the balancer does not try a backend at all",
        pattern: "a backend would get nothing at all, without any failed attempt, and the others would be alike",
    },
    Answer {
        id: "weights_differ",
        words: "the balancer works by other weights than it should",
        pattern: "shares would stand to each other like small whole numbers that are not those expected",
    },
    Answer {
        id: "weights_lost",
        words: "the balancer has forgotten weights that it should have",
        pattern: "all would get the same, although unequal shares are expected",
    },
    Answer {
        id: "first_in_list",
        words: "rounds begin at the head of the list again and again",
        pattern: "the first of the list would get more, or shares would fall from the first to the last",
    },
    Answer {
        id: "affinity",
        words: "clients are bound to backends, and they are few or unequal",
        pattern: "clients would be told apart by a key, an address or a cookie, and one backend would get what a few of them send",
    },
    Answer {
        id: "not_rebalanced",
        words: "long-lived connections stay where they were made",
        pattern: "a backend would be new, with few of the open connections but its part of the new ones",
    },
    Answer {
        id: "pinned_connections",
        words: "connections that are held open pile up on a backend",
        pattern: "many connections would be open on one backend, hardly any would be opened anywhere, and no backend would be new",
    },
    Answer {
        id: "heavy_connections",
        words: "connections are even, what they carry is not",
        pattern: "connections would be even, new and open ones, and bytes would not",
    },
    Answer {
        id: "slow_backend",
        words: "a backend is slow or stuck, and the balancer is not to blame",
        pattern: "new connections would be even, and open ones would pile up on one backend",
    },
    Answer {
        id: "between_groups",
        words: "a zone or a version gets more than another",
        pattern: "backends with the same label would be alike, and the groups would differ",
    },
    Answer {
        id: EVEN,
        words: "nothing of the kind: traffic is even, look elsewhere",
        pattern: "every backend would have its share of every signal",
    },
];

/// The answer with this id.
pub fn answer(id: &str) -> Option<&'static Answer> {
    ANSWERS.iter().find(|answer| answer.id == id)
}
