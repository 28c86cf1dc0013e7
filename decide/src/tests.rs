mod accounts;
mod backends;
mod fixtures;
mod listed;
mod routes;
mod without_model;
