use super::*;

fn read(text: &str, store: Store) -> Result<Options, String> {
    let environment = [(OPTIONS, text)].into_iter().collect();
    Options::read(&environment, store).map_err(|error| error.to_string())
}

#[test]
fn options_are_read_like_a_query() {
    let options = read(
        "timeout=1&read_timeout=0.5&persistent=off&prefix=shop%3A&database=3&locking=no\
         &lock_timeout=10&lock_expire=60&verify_peer=off&tls=on&ca=/ca.pem&username=shop&auth=aws_iam\
         &failover_timeout=8&wait_replicas=1&sentinel_master=main",
        Store::Redis,
    )
    .unwrap();
    assert_eq!(
        options,
        Options {
            timeout: Some(Duration::from_secs(1)),
            read_timeout: Some(Duration::from_millis(500)),
            persistent: Some(false),
            prefix: Some("shop:".into()),
            database: Some(3),
            locking: Some(false),
            lock_timeout: Some(Duration::from_secs(10)),
            lock_expire: Some(Duration::from_mins(1)),
            verify_peer: Some(false),
            tls: Some(true),
            ca: Some("/ca.pem".into()),
            username: Some("shop".into()),
            failover_timeout: Some(Duration::from_secs(8)),
            wait_replicas: Some(1),
            sentinel_master: Some("main".into()),
            auth: Some(Issuer::Aws),
        }
    );
    assert_eq!(read("", Store::Redis), Ok(Options::default()));
    assert_eq!(read(" prefix=shop:\n", Store::Memcached).unwrap().prefix.unwrap(), "shop:");
}

#[test]
fn an_unknown_option_lists_those_of_the_store() {
    let message = read("tmeout=1", Store::Memcached).unwrap_err();
    assert!(message.contains("\"tmeout\""));
    assert!(message.contains("lock_timeout (seconds"));
    assert!(!message.contains("read_timeout"), "{message}");
    assert!(read("database=1", Store::Memcached).unwrap_err().contains("\"database\""));
}

#[test]
fn a_value_out_of_range_says_the_range() {
    for text in [
        "timeout=0",
        "timeout=61",
        "timeout=NaN",
        "timeout=-1",
        "timeout=x",
        "timeout=",
        "timeout=2s",
        "ca=ca.pem",
        "username=",
        "locking=2",
        "prefix=",
        "prefix=a b",
        "prefix=a\"b",
        "database=-1",
        "database=99999999999",
        "lock_expire=0",
        "wait_replicas=11",
        "failover_timeout=0",
    ] {
        let message = read(text, Store::Redis).unwrap_err();
        assert!(message.contains("Expected "), "{text}: {message}");
    }
}

#[test]
fn options_that_are_separated_by_commas_are_told_apart() {
    let message = read("timeout=1,prefix=shop:", Store::Redis).unwrap_err();
    assert!(message.contains("Separate options by &"), "{message}");
}

#[test]
fn other_forms_are_refused_without_a_password_in_the_message() {
    for (text, expected) in [
        (r#"{"timeout": 1}"#, "is not a list of options"),
        ("timeout: 1", "is not a list of options"),
        ("redis://:hunter2@h", "is not a list of options"),
        ("timeout=redis://:hunter2&x@h", "is not a list of options"),
        ("\"timeout=1\"", "has the option \"…\""),
        ("--timeout=1", "Did you mean timeout?"),
        ("timeout=2s", "Expected seconds"),
        ("timeout=1 prefix=shop:", "Separate options by &"),
        ("timeout=1;prefix=shop:", "Separate options by &"),
        ("verfy_peer=off", "Did you mean verify_peer?"),
        (":hunter2@h=1", "has the option \"…\""),
    ] {
        let message = read(text, Store::Redis).unwrap_err();
        assert!(message.contains(expected), "{text}: {message}");
        assert!(!message.contains("hunter2"), "{text}: {message}");
    }
    let options = read("Lock-Timeout=5", Store::Redis).unwrap();
    assert_eq!(options.lock_timeout, Some(Duration::from_secs(5)));
}

#[test]
fn every_option_can_be_set() {
    for description in DESCRIPTIONS {
        let mut options = Options::default();
        let value = match description.name {
            "ca" => "/ca.pem",
            "auth" => "google-iam",
            _ => "1",
        };
        assert_eq!(options.set(description.name, value), Some(()), "{}", description.name);
        assert_ne!(options, Options::default(), "{}", description.name);
    }
}
