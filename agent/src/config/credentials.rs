//! Checks how the agent proves to a receiver who it is; the keys are those of Prometheus.

use std::path::PathBuf;

use super::place::At;
use super::problems::{Noted, Problems, quote};
use super::raw;
use super::shape::{Field, Scalar};
use super::value::Key;
use crate::model::Credentials;

const BASIC_AUTH: Key<'_> = Key {
    name: "basic_auth",
    example: "basic_auth: {username: evenkeel, password_file: password}",
    expects: "a mapping",
};
const USERNAME: Key<'_> = Key {
    name: "username",
    example: "username: evenkeel",
    expects: "text",
};
const PASSWORD_FILE: Key<'_> = Key {
    name: "password_file",
    example: "password_file: /etc/evenkeel/password",
    expects: "a path",
};
const AUTHORIZATION: Key<'_> = Key {
    name: "authorization",
    example: "authorization: {credentials_file: token}",
    expects: "a mapping",
};
const TYPE: Key<'_> = Key {
    name: "type",
    example: "type: Bearer",
    expects: "`Bearer`",
};
const CREDENTIALS_FILE: Key<'_> = Key {
    name: "credentials_file",
    example: "credentials_file: /etc/evenkeel/token",
    expects: "a path",
};

/// What a receiver's `basic_auth` or `authorization` says; both would be two values of one header.
pub(super) fn credentials(
    problems: &mut Problems<'_>,
    basic_auth: Option<Field<raw::BasicAuth>>,
    authorization: Option<Field<raw::Authorization>>,
) -> Result<Option<Credentials>, Noted> {
    let once = match (&basic_auth, &authorization) {
        (Some(basic), Some(other)) => Err(problems.note(
            other.key,
            "`authorization` and `basic_auth` exclude each other",
            format!(
                "`basic_auth` is on line {}: remove one of the two",
                basic.key.line
            ),
        )),
        _ => Ok(()),
    };
    let basic = basic_auth.map(|field| basic(problems, field)).transpose();
    let bearer = authorization
        .map(|field| bearer(problems, field))
        .transpose();
    once.and(Ok(basic?.or(bearer?)))
}

fn basic(problems: &mut Problems<'_>, field: Field<raw::BasicAuth>) -> Result<Credentials, Noted> {
    let key = field.key;
    let section = problems.fit(BASIC_AUTH, field)?;
    let (basic, slips) = problems.admit(section.value);
    let username = match basic.username {
        Some(field) => username(problems, field),
        None => Err(problems.missing(USERNAME, BASIC_AUTH, key, &slips)),
    };
    let password_file = match basic.password_file {
        Some(field) => path(problems, PASSWORD_FILE, field),
        None => Err(problems.missing(PASSWORD_FILE, BASIC_AUTH, key, &slips)),
    };
    Ok(Credentials::Basic {
        username: username?,
        password_file: password_file?,
    })
}

fn username(problems: &mut Problems<'_>, field: Field<Scalar>) -> Result<String, Noted> {
    let At { value, place } = problems.line(USERNAME, field)?;
    if value.contains(':') {
        // RFC 7617, section 2: the first colon is where the password begins.
        return Err(problems.note(
            place,
            "a user name with a colon cannot be sent",
            "write the name alone; the password belongs into the file that `password_file` names",
        ));
    }
    Ok(value)
}

fn bearer(
    problems: &mut Problems<'_>,
    field: Field<raw::Authorization>,
) -> Result<Credentials, Noted> {
    let key = field.key;
    let section = problems.fit(AUTHORIZATION, field)?;
    let (authorization, slips) = problems.admit(section.value);
    let scheme = authorization
        .scheme
        .map_or(Ok(()), |field| scheme(problems, field));
    let credentials_file = match authorization.credentials_file {
        Some(field) => path(problems, CREDENTIALS_FILE, field),
        None => Err(problems.missing(CREDENTIALS_FILE, AUTHORIZATION, key, &slips)),
    };
    scheme?;
    Ok(Credentials::Bearer {
        credentials_file: credentials_file?,
    })
}

/// Checks `type`, whose only value is its default; schemes are compared without case (RFC 9110, section 11.1).
fn scheme(problems: &mut Problems<'_>, field: Field<Scalar>) -> Result<(), Noted> {
    let At { value, place } = problems.text(TYPE, field)?;
    if value.eq_ignore_ascii_case("bearer") {
        return Ok(());
    }
    let message = format!("evenkeel cannot authenticate by {}", quote(&value));
    let help = "write `Bearer`; for a user name and a password use `basic_auth`";
    Err(problems.note(place, message, help))
}

/// The path of a file, which need not exist yet.
pub(super) fn path(
    problems: &mut Problems<'_>,
    key: Key<'_>,
    field: Field<Scalar>,
) -> Result<PathBuf, Noted> {
    Ok(problems.line(key, field)?.value.into())
}
