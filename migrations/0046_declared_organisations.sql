-- Made by `doorward apply`: what a later one may remove when its file does not name it any more.
alter table organisations add column managed boolean not null default false;
