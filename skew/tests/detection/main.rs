//! What a user of the detectors relies on.

#[cfg(test)]
mod causes;
#[cfg(test)]
mod extremes;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod learned;
#[cfg(test)]
mod levels;
#[cfg(test)]
mod membership;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod shares;
#[cfg(test)]
mod support;
#[cfg(test)]
mod traffic;
