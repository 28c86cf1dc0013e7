mod accounts;
mod backends;
mod fixtures;
mod listed;
mod routes;
