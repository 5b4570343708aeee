//! Platforms other than `pack`: how they call the buildpack, and what they make of its images (`make platforms`).

mod arm64;
mod cloud_foundry;
mod compose;
mod distributions;
mod kpack;
mod kubernetes;
mod layouts;
mod newer_pack;
mod newer_servers;
mod orders;
