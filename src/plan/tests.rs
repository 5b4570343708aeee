use super::*;
use store_client::Sentinel;

fn redis(target: impl FnOnce(&RedisEndpoint) -> Target, database: Option<u32>) -> Endpoint {
    let Endpoint::Redis(redis) = Endpoint::example(Store::Redis) else { unreachable!() };
    Endpoint::Redis(RedisEndpoint { target: target(&redis), database, ..redis })
}

fn single(database: Option<u32>) -> Endpoint {
    redis(|it| it.target.clone(), database)
}

fn cluster() -> Endpoint {
    let nodes = |it: &RedisEndpoint| it.first_address().cloned().into_iter().collect();
    redis(|it| Target::Cluster { nodes: nodes(it), tls: None }, None)
}

fn sentinel() -> Endpoint {
    let sentinel = |it: &RedisEndpoint| Sentinel {
        master: "mymaster".to_owned(),
        nodes: it.first_address().cloned().into_iter().collect(),
        auth: None,
        tls: None,
    };
    redis(|it| Target::Sentinel { sentinel: Box::new(sentinel(it)), tls: None }, None)
}

fn memcached(with_login: bool) -> Endpoint {
    let mut endpoint = Endpoint::example(Store::Memcached);
    if let Endpoint::Memcached(memcached) = &mut endpoint
        && !with_login
    {
        memcached.login = None;
    }
    endpoint
}

/// docs/settings.md has the same defaults.
#[test]
fn each_kind_of_server_has_its_defaults() {
    let slow = (20, 12);
    for (endpoint, prefix, connect, read, failover, lock, in_cluster, persistent, locks) in [
        (single(None), "PHPREDIS_SESSION:", 2, 3, 5, 15, slow, false, true),
        (sentinel(), "PHPREDIS_SESSION:", 2, 3, 12, 20, slow, false, true),
        (cluster(), "PHPREDIS_CLUSTER_SESSION:", 2, 2, 12, 20, slow, true, false),
        (memcached(false), "memc.sess.key.", 1, u64::MAX, 5, 31, (31, 5), true, true),
        (memcached(true), "memc.sess.key.", 1, u64::MAX, 5, 31, (31, 5), false, true),
    ] {
        let plan = Plan::settle(endpoint, &Options::default());
        assert_eq!((&*plan.prefix, plan.other_prefix()), (prefix, None));
        assert_eq!(plan.connect_timeout.as_secs(), connect, "{prefix}");
        assert_eq!(plan.read_timeout.as_secs(), read, "{prefix}");
        assert_eq!(plan.proxy_read_timeout.as_secs(), 2, "{prefix}");
        let seconds = |it: Waits| (it.lock.as_secs(), it.failover.as_secs());
        assert_eq!(seconds(plan.waits), (lock, failover), "{prefix}");
        assert_eq!(seconds(plan.waits_in_cluster), in_cluster, "{prefix}");
        assert_eq!(plan.lock_expire.as_secs(), 60, "{prefix}");
        let to_proxy = Persistence { is_chosen: false, to_server: persistent, to_proxy: true };
        assert_eq!(plan.persistence, to_proxy, "{prefix}");
        let plan_locks = [plan.locks(false), plan.locks(true)];
        assert_eq!((plan.verify_peer, plan.locking, plan_locks), (true, true, [locks, true]));
    }
}

#[test]
fn an_option_beats_the_default_and_the_credentials() {
    let options = Options {
        database: Some(4),
        prefix: Some("shop:".to_owned()),
        read_timeout: Some(Duration::from_secs(1)),
        persistent: Some(true),
        ..Options::default()
    };
    let plan = Plan::settle(single(Some(3)), &options);
    assert_eq!(plan.endpoint, single(Some(4)));
    assert_eq!(
        (plan.read_timeout, plan.proxy_read_timeout),
        (Duration::from_secs(1), Duration::from_secs(1))
    );
    assert_eq!(plan.other_prefix(), Some("shop:"));
    let of_credentials = Plan::settle(single(Some(3)), &Options::default());
    assert_eq!(of_credentials.endpoint, single(Some(3)));
}

#[test]
fn the_command_line_keeps_a_connection_only_on_request() {
    let keeps = |persistent| {
        let options = Options { persistent, ..Options::default() };
        let it = Plan::settle(cluster(), &options).for_command_line().persistence;
        (it.to_server, it.to_proxy)
    };
    assert_eq!(keeps(None), (false, false));
    assert_eq!(keeps(Some(true)), (true, true));
}
