//! The program against models of real APIs, each through its own connection
//! file of `testdata/connections/`, and every key of that file at work.

#![allow(clippy::unwrap_used, unreachable_pub)]

#[path = "../support/mod.rs"]
mod support;

mod contract;
mod custom;
mod model;

mod couchdb;
mod datasette;
mod directus;
mod django;
mod elasticsearch;
mod freshdesk;
mod github;
mod gitlab;
mod hasura;
mod hubspot;
mod jira;
mod kinto;
mod loopback;
mod netbox;
mod nocodb;
mod notion;
mod odata;
mod odoo;
mod parse;
mod postgrest;
mod pygeoapi;
mod redmine;
mod request_tracker;
mod sails;
mod servicenow;
mod shopify;
mod socrata;
mod strapi;
mod wordpress;
mod xero;
mod zabbix;

mod bounds;
mod keys;
mod lookback;
mod odd;
mod secrets;
mod values;
mod zones;
