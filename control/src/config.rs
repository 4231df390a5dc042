//! Settings, parsed once into values that cannot be wrong afterwards.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use http::HeaderValue;
use serde_json::{Value, json};

use crate::domain::attachment::AttachmentBounds;
use crate::domain::webhook::SigningSecret;
use crate::outbound::mail::{MailConfig, Mailer};
use crate::outbound::webhook::WebhookConfig;
use crate::telemetry::{FILTER_DEFAULT, is_filter};

/// Files that people send each other, and no programs or web pages among them.
const ATTACHMENT_TYPES: [&str; 31] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/heic",
    "image/avif",
    "audio/mpeg",
    "audio/mp4",
    "audio/x-m4a",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "audio/flac",
    "video/mp4",
    "video/webm",
    "video/quicktime",
    "application/pdf",
    "text/plain",
    "text/csv",
    "text/markdown",
    "application/json",
    "application/zip",
    "application/x-zip-compressed",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
];

/// Everything an operator can set. Names and defaults are those of the environment variables.
#[derive(Clone)]
pub struct Config {
    pub host: IpAddr,
    /// 0 lets the kernel choose.
    pub port: u16,
    pub extra_ports: Vec<u16>,
    pub data_dir: PathBuf,
    /// `None`: a file in the data directory.
    pub database_url: Option<String>,
    /// `None`: generated once into the data directory.
    pub jwt_secret: Option<Secret>,
    pub jwt_expires_hours: u32,
    pub rate_limits: bool,
    pub attachments: AttachmentBounds,
    pub bootstrap_admin: Option<BootstrapAdmin>,
    /// Origins of pages on other servers that may call the API.
    pub origins: Vec<HeaderValue>,
    pub trusted_proxies: Vec<IpAddr>,
    pub mail: MailConfig,
    pub webhooks: WebhookConfig,
    /// `RTCIceServer` objects for clients.
    pub ice_servers: Value,
    pub livekit: LivekitConfig,
    /// Where media nodes dial in; `None`: loopback, a port that is remembered.
    pub link_address: Option<SocketAddr>,
    pub log: String,
    pub log_format: LogFormat,
    /// A setting that is accepted and does nothing; the operator is told.
    pub ignored: Vec<&'static str>,
}

/// The LiveKit server that tokens are made for (C-59); none without all three.
#[derive(Debug, Clone, Default)]
pub struct LivekitConfig {
    pub url: Option<String>,
    pub api_key: Option<String>,
    pub api_secret: Option<Secret>,
}

/// The first administrator of an empty installation (C-11).
#[derive(Clone)]
pub struct BootstrapAdmin {
    pub email: String,
    pub password: Secret,
}

/// A text that must not be shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// A setting that makes no sense; one readable line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct ConfigError {
    pub name: &'static str,
    pub problem: String,
}

/// Looks variables up.
struct Reader<F>(F);

impl Config {
    /// Reads the settings of this process.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads settings from wherever `variable` looks them up. An empty value is no value.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let read = Reader(variable);
        Ok(Self {
            host: read.parsed("HOST", "an IP address")?.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            port: read.parsed("PORT", "a number from 0 to 65535")?.unwrap_or(4501),
            extra_ports: read.list("EXTRA_PORTS", "numbers from 1 to 65535 with commas between")?,
            data_dir: read.text("DATA_DIR").map_or_else(|| PathBuf::from("data"), PathBuf::from),
            database_url: read.database_url()?,
            jwt_secret: read.text("JWT_SECRET").map(Secret),
            jwt_expires_hours: read.hours("JWT_EXPIRES_HOURS")?,
            rate_limits: read.switch("RATE_LIMITS", true)?,
            attachments: read.attachments()?,
            bootstrap_admin: read.bootstrap_admin()?,
            origins: read.origins()?,
            trusted_proxies: read.list("TRUSTED_PROXIES", "IP addresses with commas between")?,
            mail: read.mail()?,
            webhooks: read.webhooks()?,
            ice_servers: read.ice_servers()?,
            livekit: read.livekit()?,
            link_address: read.parsed("LINK_ADDRESS", "an IP address and a port, such as 127.0.0.1:4601")?,
            log: read.log_filter()?,
            log_format: read.log_format()?,
            ignored: read.text("MONGODB_URI").map(|_| "MONGODB_URI").into_iter().collect(),
        })
    }
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    fn text(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn parsed<T: FromStr>(&self, name: &'static str, expected: &str) -> Result<Option<T>, ConfigError> {
        self.text(name).map(|text| parse(name, &text, expected)).transpose()
    }

    fn list<T: FromStr>(&self, name: &'static str, expected: &str) -> Result<Vec<T>, ConfigError> {
        let text = self.text(name).unwrap_or_default();
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| parse(name, part, expected)).collect()
    }

    fn switch(&self, name: &'static str, usual: bool) -> Result<bool, ConfigError> {
        match self.text(name).as_deref() {
            None => Ok(usual),
            Some("on") => Ok(true),
            Some("off") => Ok(false),
            Some(other) => Err(wrong(name, other, "on or off")),
        }
    }

    fn hours(&self, name: &'static str) -> Result<u32, ConfigError> {
        let hours = self.parsed(name, "a number of hours")?.unwrap_or(24);
        if (1..=8760).contains(&hours) {
            Ok(hours)
        } else {
            Err(wrong(name, &hours.to_string(), "1 to 8760 hours"))
        }
    }

    fn attachments(&self) -> Result<AttachmentBounds, ConfigError> {
        let types: Vec<String> = self.list("ATTACHMENT_TYPES", "media types with commas between")?;
        if let Some(other) = types.iter().find(|kind| !kind.contains('/')) {
            return Err(wrong("ATTACHMENT_TYPES", other, "media types, such as image/png"));
        }
        let types: Vec<String> = types.iter().map(|kind| kind.to_ascii_lowercase()).collect();
        let usual = || ATTACHMENT_TYPES.iter().map(|kind| (*kind).to_owned()).collect();
        Ok(AttachmentBounds {
            bytes_max: self.mebibytes("ATTACHMENT_MAX_MIB", 25, 4096)?,
            quota_bytes: self.mebibytes("ATTACHMENT_QUOTA_MIB", 1024, 1024 * 1024)?,
            types: if types.is_empty() { usual() } else { types },
        })
    }

    /// A size in MiB, from 1 up; in bytes.
    fn mebibytes(&self, name: &'static str, usual: u64, most: u64) -> Result<u64, ConfigError> {
        let size = self.parsed(name, "a number of MiB")?.unwrap_or(usual);
        if (1..=most).contains(&size) {
            Ok(size * 1024 * 1024)
        } else {
            Err(wrong(name, &size.to_string(), &format!("1 to {most} MiB")))
        }
    }

    fn log_filter(&self) -> Result<String, ConfigError> {
        match self.text("LOG") {
            None => Ok(FILTER_DEFAULT.to_owned()),
            Some(text) if is_filter(&text) => Ok(text),
            Some(text) => Err(wrong("LOG", &text, "a level, or module=level parts with commas between")),
        }
    }

    fn log_format(&self) -> Result<LogFormat, ConfigError> {
        match self.text("LOG_FORMAT").as_deref() {
            None | Some("text") => Ok(LogFormat::Text),
            Some("json") => Ok(LogFormat::Json),
            Some(other) => Err(wrong("LOG_FORMAT", other, "text or json")),
        }
    }

    fn database_url(&self) -> Result<Option<String>, ConfigError> {
        match self.text("DATABASE_URL") {
            Some(url)
                if !["sqlite:", "postgres:", "postgresql:"].iter().any(|known| url.starts_with(known)) =>
            {
                // Not repeated: it may carry a password.
                let problem = "must begin with sqlite: or postgres:".to_owned();
                Err(ConfigError { name: "DATABASE_URL", problem })
            }
            url => Ok(url),
        }
    }

    fn bootstrap_admin(&self) -> Result<Option<BootstrapAdmin>, ConfigError> {
        let (email, password) = ("BOOTSTRAP_ADMIN_EMAIL", "BOOTSTRAP_ADMIN_PASSWORD");
        let missing = |name| ConfigError {
            name,
            problem: format!("is needed when the other of {email} and {password} is set"),
        };
        match (self.text(email), self.text(password)) {
            (None, None) => Ok(None),
            (Some(email), Some(password)) => Ok(Some(BootstrapAdmin { email, password: Secret(password) })),
            (Some(_), None) => Err(missing(password)),
            (None, Some(_)) => Err(missing(email)),
        }
    }

    fn origins(&self) -> Result<Vec<HeaderValue>, ConfigError> {
        let mut origins = Vec::new();
        for name in ["FRONTEND_URL", "CLIENT_URL"] {
            let text = self.text(name).unwrap_or_default();
            for url in text.split(',').map(str::trim).filter(|url| !url.is_empty()) {
                origins.push(origin(name, url)?);
            }
        }
        Ok(origins)
    }

    fn mail(&self) -> Result<MailConfig, ConfigError> {
        let frontend = self.text("FRONTEND_URL").unwrap_or_default();
        let mail = MailConfig {
            smtp_url: self.text("SMTP_URL").map(Secret),
            smtp_ca: self.text("SMTP_CA").map(PathBuf::from),
            from: self.text("MAIL_FROM"),
            frontend: frontend.split(',').next().map(str::trim).filter(|u| !u.is_empty()).map(str::to_owned),
        };
        // Here and not at the first mail, so that a wrong setting ends the start; the values themselves are not
        // repeated, one of them holds a password.
        match Mailer::new(&mail) {
            Ok(_) => Ok(mail),
            Err((name, problem)) => Err(ConfigError { name, problem }),
        }
    }

    fn webhooks(&self) -> Result<WebhookConfig, ConfigError> {
        let urls = self.text("WEBHOOK_URLS").unwrap_or_default();
        let networks = "blocks of addresses such as 10.1.0.0/16 with commas between";
        let webhooks = WebhookConfig {
            urls: urls.split(',').map(str::trim).filter(|u| !u.is_empty()).map(str::to_owned).collect(),
            secret: self.text("WEBHOOK_SECRET").map(SigningSecret::new),
            allow_http: self.switch("WEBHOOK_ALLOW_HTTP", false)?,
            allow_private: self.list("WEBHOOK_ALLOW_PRIVATE", networks)?,
            ca: self.text("WEBHOOK_CA").map(PathBuf::from),
        };
        match webhooks.configured() {
            Ok(_) => Ok(webhooks),
            Err((name, problem)) => Err(ConfigError { name, problem }),
        }
    }

    fn livekit(&self) -> Result<LivekitConfig, ConfigError> {
        let url = self.text("LIVEKIT_URL");
        let known = ["ws://", "wss://", "http://", "https://"];
        if let Some(other) = url.as_deref().filter(|url| !known.iter().any(|scheme| url.starts_with(scheme)))
        {
            return Err(wrong("LIVEKIT_URL", other, "a URL such as wss://livekit.example.org"));
        }
        let api_secret = self.text("LIVEKIT_API_SECRET").map(Secret);
        Ok(LivekitConfig { url, api_key: self.text("LIVEKIT_API_KEY"), api_secret })
    }

    fn ice_servers(&self) -> Result<Value, ConfigError> {
        let Some(text) = self.text("ICE_SERVERS") else { return Ok(json!([])) };
        let expected = "a JSON array of objects with urls, such as [{\"urls\":\"stun:stun.example.org\"}]";
        // The value may hold a TURN password, so it is not repeated.
        let problem = || ConfigError { name: "ICE_SERVERS", problem: format!("must be {expected}") };
        let value: Value = serde_json::from_str(&text).map_err(|_| problem())?;
        let servers = value.as_array().ok_or_else(problem)?;
        if servers.iter().all(|server| server.get("urls").is_some()) { Ok(value) } else { Err(problem()) }
    }
}

fn parse<T: FromStr>(name: &'static str, text: &str, expected: &str) -> Result<T, ConfigError> {
    text.parse().map_err(|_| wrong(name, text, expected))
}

fn wrong(name: &'static str, text: &str, expected: &str) -> ConfigError {
    ConfigError { name, problem: format!("must be {expected}, not {text:?}") }
}

/// Scheme, host and port of a URL: what browsers send as `Origin`.
fn origin(name: &'static str, url: &str) -> Result<HeaderValue, ConfigError> {
    let expected = "a URL such as https://meet.example.org";
    let uri: http::Uri = parse(name, url, expected)?;
    match (uri.scheme_str(), uri.authority()) {
        (Some(scheme @ ("http" | "https")), Some(authority)) => {
            HeaderValue::from_str(&format!("{scheme}://{authority}")).map_err(|_| wrong(name, url, expected))
        }
        _ => Err(wrong(name, url, expected)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<const N: usize>(variables: [(&str, &str); N]) -> Result<Config, ConfigError> {
        Config::read(|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_set_is_a_working_configuration() {
        let config = with([]).expect("defaults");
        assert_eq!((config.port, config.jwt_expires_hours, config.rate_limits), (4501, 24, true));
        assert!(
            config.extra_ports.is_empty() && config.bootstrap_admin.is_none() && config.jwt_secret.is_none()
        );
    }

    #[test]
    fn each_wrong_setting_is_told_by_name() {
        let cases = [
            ("PORT", "http"),
            ("PORT", "70000"),
            ("HOST", "localhost"),
            ("EXTRA_PORTS", "3000;5000"),
            ("RATE_LIMITS", "maybe"),
            ("JWT_EXPIRES_HOURS", "0"),
            ("DATABASE_URL", "mysql://user:password@host/db"),
            ("BOOTSTRAP_ADMIN_EMAIL", "a@b"),
            ("FRONTEND_URL", "meet.example.org"),
            ("ICE_SERVERS", "stun:stun.example.org"),
            ("ICE_SERVERS", "[{}]"),
            ("LINK_ADDRESS", "4601"),
            ("TRUSTED_PROXIES", "proxy"),
            ("ATTACHMENT_MAX_MIB", "0"),
            ("ATTACHMENT_QUOTA_MIB", "much"),
            ("ATTACHMENT_TYPES", "png"),
            ("LOG_FORMAT", "xml"),
            ("LIVEKIT_URL", "livekit.example.org"),
            ("LOG", "plenum=loud"),
            ("MAIL_FROM", "nobody"),
            ("SMTP_URL", "smtp://user:password@mail.example.org"),
            ("WEBHOOK_SECRET", "too short"),
            ("WEBHOOK_SECRET", "whsec_this is no base64 of a key"),
            ("WEBHOOK_URLS", "https://hooks.example.org/password@"),
            ("WEBHOOK_ALLOW_HTTP", "yes"),
            ("WEBHOOK_ALLOW_PRIVATE", "10.0.0.1/8"),
            ("WEBHOOK_CA", "/no/such/file.pem"),
        ];
        for (name, value) in cases {
            let error = with([(name, value)]).err().unwrap_or_else(|| panic!("{name}={value} was accepted"));
            assert!(error.to_string().contains(name), "{error}");
            assert!(!error.to_string().contains("password@"), "{error}");
        }
    }

    #[test]
    fn c_60_webhooks_are_a_list_with_one_secret_and_wrong_addresses_are_told_by_number() {
        let with_urls = |urls: &str| {
            with([("WEBHOOK_URLS", urls), ("WEBHOOK_SECRET", "a secret of some length")])
                .map(|config| config.webhooks.configured().expect("was checked").urls)
        };
        let urls =
            with_urls("https://a.example.org, https://b.example.org:8443/x?y=z ,https://A.example.org/");
        assert_eq!(urls.expect("valid"), ["https://a.example.org/", "https://b.example.org:8443/x?y=z"]);
        for url in [
            "ftp://a.example.org/",
            "http://a.example.org/",
            "https://user:password@a.example.org/",
            "https://user@a.example.org/",
            "https://a.example.org/#part",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://",
            "nonsense",
        ] {
            let error = with_urls(&format!("https://a.example.org/,{url}")).expect_err(url);
            assert!(error.to_string().starts_with("WEBHOOK_URLS: address 2 "), "{url}: {error}");
            assert!(!error.to_string().contains("password@"), "{error}");
        }
    }

    #[test]
    fn c_01_extra_ports_and_origins_are_lists() {
        let config = with([("EXTRA_PORTS", "3000, 5000"), ("FRONTEND_URL", "http://localhost:5173/app/")])
            .expect("valid");
        assert_eq!(config.extra_ports, [3000, 5000]);
        assert_eq!(config.origins, ["http://localhost:5173"]);
    }
}
