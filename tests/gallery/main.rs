//! The program against models of real APIs, each through its own connection
//! file of `testdata/connections/`, and every key of that file at work.

#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod contract;
mod custom;
mod model;

mod couchdb;
mod directus;
mod django;
mod elasticsearch;
mod freshdesk;
mod github;
mod gitlab;
mod hasura;
mod hubspot;
mod jira;
mod netbox;
mod notion;
mod odoo;
mod postgrest;
mod redmine;
mod servicenow;
mod socrata;
mod xero;
mod zabbix;

mod bounds;
mod keys;
mod lookback;
mod secrets;
mod values;
