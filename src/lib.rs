//! Keeps PHP sessions in a bound Redis or Memcached service.
//!
//! Data flows one way, and the same code reads the services at detect, build and launch:
//! [`services`] → [session service](services::matching) → [`endpoint`] → [`plan`] → [PHP's directives](php::ini).
//!
//! | at | runs |
//! | --- | --- |
//! | detect, build | [`build`]: a [decision](build::decision), the [extension](build::extension), the [session layer](build::session) |
//! | launch | [`launch`] |
//! | while the app runs | [`proxy`], if it is used: it runs [`session_proxy`] |
//! | on request | [`check`] |
//!
//! [`config`], [`frameworks`], [`php`], [`store`], [`store_client`] and [`system`] serve all of them, [`app`] is what the app's
//! files say, and `diagnosis` is what launch and check say of a service. What build and launch agree on is
//! [`launch::build_record`].

pub mod app;
pub mod build;
pub mod check;
pub mod config;
mod diagnosis;
pub mod endpoint;
pub mod frameworks;
pub mod launch;
pub mod php;
pub mod plan;
pub mod proxy;
pub mod services;
pub mod store;
pub mod system;
pub mod variable;
