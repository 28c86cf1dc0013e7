//! Keys of AWS: as people write them down, and as pods get them for their identity.

mod keys;
mod sts;

use std::time::SystemTime;

use http::header::AUTHORIZATION;
use serde::Deserialize;

use super::Environment;
use super::http::{Call, Client, Place, Trust};
use super::source::{FetchError, Fetched, Material, file, until};

pub(super) use keys::Keys;
pub(super) use sts::error_words;

/// Where the container agent of ECS answers.
/// See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>.
const CONTAINER: &str = "http://169.254.170.2";

/// The keys of the pod's identity: by the token of its ServiceAccount (IRSA), or from the agent of its node (EKS Pod
/// Identity); then those of `role_arn`, where the provider names another role.
pub(super) async fn identity(
    client: &Client,
    environment: &Environment,
    role_arn: Option<&str>,
    region: &str,
) -> Result<Fetched, FetchError> {
    let sts = sts::Service::new(client, environment, region);
    let pod_role = environment.get("AWS_ROLE_ARN");
    let (own, role) = if let Some(path) = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE") {
        let role = pod_role
            .or(role_arn)
            .ok_or(FetchError::Unset("AWS_ROLE_ARN"))?;
        (sts.with_token(role, &file(path).await?).await?, Some(role))
    } else {
        (container(client, environment).await?, None)
    };
    match role_arn {
        Some(wanted) if Some(wanted) != role => sts.assume(&own, wanted).await,
        _ => own.fetched(),
    }
}

/// Keys that expire, from one of the services.
struct Temporary {
    host: String,
    keys: Keys,
    /// RFC 3339.
    expiration: String,
}

impl Temporary {
    fn fetched(self) -> Result<Fetched, FetchError> {
        let lifetime = until(&self.expiration, SystemTime::now()).ok_or_else(|| {
            FetchError::service(&self.host, "gave keys that have expired by this clock")
        })?;
        Ok(Fetched {
            secrets: self.keys.secrets(),
            material: Material::Keys(self.keys),
            lifetime,
        })
    }
}

/// Asks the agent of the node (EKS Pod Identity), or of the container (ECS).
/// See <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html>.
async fn container(client: &Client, environment: &Environment) -> Result<Temporary, FetchError> {
    const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    let url = match (environment.get(FULL), environment.get(RELATIVE)) {
        (Some(url), _) => url.to_owned(),
        (None, Some(path)) => format!("{CONTAINER}{path}"),
        (None, None) => {
            return Err(FetchError::Setting(format!(
                "the pod has no identity at AWS: neither AWS_WEB_IDENTITY_TOKEN_FILE nor {FULL} is set"
            )));
        }
    };
    let token = match environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(path) => Some(file(path).await?),
        None => environment
            .get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
            .map(str::to_owned),
    };
    let token = token.as_deref();
    let secrets: Vec<&str> = token.into_iter().collect();
    let mut call = Call::get(Trust::Admin, &url).hiding(&secrets);
    if let Some(token) = token {
        call = call.with(AUTHORIZATION, token)?;
    }
    let host = Place::of(FULL, &url)?.host;
    let body = client.call(FULL, call).await?;
    let Answer {
        access_key_id,
        secret_access_key,
        token,
        expiration,
    } = serde_json::from_slice(&body).map_err(|_| {
        FetchError::service(&host, "gave no AccessKeyId with all that belongs to it")
    })?;
    Ok(Temporary {
        host,
        keys: Keys::new(access_key_id, secret_access_key, Some(token)),
        expiration,
    })
}

/// What the agents answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    expiration: String,
}

#[cfg(test)]
mod tests;
