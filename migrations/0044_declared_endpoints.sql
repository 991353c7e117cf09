-- Made by `doorward apply`: what a later one may remove when its file does not name it any more.
alter table webhooks add column managed boolean not null default false;
alter table trusted_issuers add column managed boolean not null default false;
