//! Tokens of logged-in people: JWT (RFC 7519), HMAC-SHA-256.

use arise_core::clock::HOUR;
use arise_core::{Actor, Error, Result, Role, UtcMillis};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A working day with some room.
const LASTS: UtcMillis = 12 * HOUR;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Claims {
    sub: Uuid,
    role: Role,
    /// Seconds since 1970.
    pub(crate) exp: i64,
    iat: i64,
    /// A print of the password's hash: a new password ends every token given out under the old one.
    cred: String,
}

impl Claims {
    pub(crate) fn actor(&self) -> Actor {
        Actor::new(self.role, self.sub)
    }

    pub(crate) fn is_of(&self, password_hash: &str) -> bool {
        self.cred == print(password_hash)
    }
}

pub(crate) struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl Tokens {
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Checked against the injected clock instead.
        validation.validate_exp = false;
        Self { encoding: EncodingKey::from_secret(key), decoding: DecodingKey::from_secret(key), validation }
    }

    pub(crate) fn issue(&self, actor: Actor, password_hash: &str, now: UtcMillis) -> Result<Token> {
        let exp = (now + LASTS) / 1_000;
        let claims =
            Claims { sub: actor.id, role: actor.role, exp, iat: now / 1_000, cred: print(password_hash) };
        let text = jsonwebtoken::encode(&Header::default(), &claims, &self.encoding)
            .map_err(|e| Error::internal(format!("a token couldn't be signed: {e}")))?;
        Ok(Token { text, expires_at: exp * 1_000 })
    }

    /// # Errors
    /// `not_logged_in` for a forged or garbled token, `login_expired` for an old one.
    pub(crate) fn verify(&self, token: &str, now: UtcMillis) -> Result<Claims> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_| Error::unauthorized("not_logged_in", "Log in first."))?
            .claims;
        if claims.exp * 1_000 <= now {
            return Err(Error::unauthorized("login_expired", "Your login has expired. Log in again."));
        }
        Ok(claims)
    }
}

pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) expires_at: UtcMillis,
}

fn print(password_hash: &str) -> String {
    hex::encode(&Sha256::digest(password_hash)[..12])
}
