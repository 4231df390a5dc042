//! Starting, starting again, and stopping.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use plenum_control::app::{self, App, Parts};
use plenum_control::config::Config;
use plenum_control::service::passwords::HashCost;

fn config(dir: &Path, settings: &[(&str, &str)]) -> Config {
    let look_up =
        |name: &str| settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let mut config = Config::read(look_up).expect("settings that make sense");
    config.data_dir = dir.join("data");
    config
}

async fn start(config: &Config, demo: bool) -> App {
    let parts = Parts { hash_cost: HashCost::Least, demo, supervise: false, ..Parts::default() };
    App::build(config, parts).await.expect("starts")
}

#[tokio::test]
async fn c_11_without_demo_the_only_account_is_the_named_administrator() {
    let dir = tempfile::tempdir().expect("a directory");
    let named =
        [("BOOTSTRAP_ADMIN_EMAIL", "chief@example.org"), ("BOOTSTRAP_ADMIN_PASSWORD", "first-secret")];
    let app = start(&config(dir.path(), &named), false).await;
    let accounts = &app.services.accounts;
    let login = accounts.log_in("chief@example.org", "first-secret").await.expect("the administrator");
    assert_eq!(login.account.user_type.as_str(), "admin");
    for email in ["admin@demo.test", "host@demo.test"] {
        assert!(accounts.log_in(email, "demo-password").await.is_err(), "{email}");
    }
}

#[tokio::test]
async fn c_11_nothing_is_created_where_there_is_anybody_already() {
    let dir = tempfile::tempdir().expect("a directory");
    let app = start(&config(dir.path(), &[]), true).await;
    assert!(app.demo_accounts);
    app.shutdown(async {}).await;
    drop(app);
    let named =
        [("BOOTSTRAP_ADMIN_EMAIL", "chief@example.org"), ("BOOTSTRAP_ADMIN_PASSWORD", "first-secret")];
    let app = start(&config(dir.path(), &named), true).await;
    assert!(app.demo_accounts, "an earlier start made them");
    assert!(app.services.accounts.log_in("chief@example.org", "first-secret").await.is_err());
}

#[tokio::test]
async fn env_04_a_generated_secret_keeps_people_logged_in_over_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = config(dir.path(), &[]);
    let app = start(&config, true).await;
    let token = app.services.accounts.log_in("host@demo.test", "demo-password").await.expect("logs in").token;
    assert!(app.shutdown(async {}).await, "in time");
    drop(app);
    let app = start(&config, true).await;
    assert!(app.services.accounts.authenticate(&token).await.is_ok());
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = config(dir.path(), &[]);
    let _first = start(&config, false).await;
    let parts = Parts { hash_cost: HashCost::Least, supervise: false, ..Parts::default() };
    let error = App::build(&config, parts).await.err().expect("refused").to_string();
    assert!(error.starts_with("DATA_DIR:") && error.ends_with("is in use by another plenum"), "{error}");
}

#[tokio::test]
async fn env_02_a_taken_port_is_told_and_a_served_one_is_drained() {
    let dir = tempfile::tempdir().expect("a directory");
    let listeners =
        app::bind(&config(dir.path(), &[("HOST", "127.0.0.1"), ("PORT", "0")])).await.expect("binds");
    let address = app::address(&listeners).expect("an address");
    let port = address.port().to_string();
    let taken = app::bind(&config(dir.path(), &[("HOST", "127.0.0.1"), ("PORT", &port)])).await;
    let error = taken.expect_err("refused").to_string();
    assert_eq!(error, format!("port {port} on 127.0.0.1 is taken; set PORT to another one"));

    let app = Arc::new(start(&config(dir.path(), &[]), false).await);
    let serving = tokio::spawn({
        let app = app.clone();
        async move { app.serve(listeners).await }
    });
    let client = reqwest::Client::new();
    let url = format!("http://{address}/healthz");
    assert_eq!(client.get(&url).send().await.expect("an answer").status(), 200);
    let drained = app.shutdown(async { serving.await.expect("no panic") });
    assert!(tokio::time::timeout(Duration::from_secs(10), drained).await.expect("in time"));
    assert!(client.get(&url).send().await.is_err());
}
