#!/usr/bin/perl
# Harvest with HTTP::OAI: harvest.pl BASE_URL VERB NAME=VALUE...
# Prints a line per record: identifier, datestamp, deleted or empty, setSpecs by spaces, payload as base64; tabs between.
use strict;
use warnings;
use HTTP::OAI;
use MIME::Base64 qw(encode_base64);

my ($base_url, $verb, @arguments) = @ARGV;
my %arguments = map { split /=/, $_, 2 } @arguments;
$| = 1;
binmode STDOUT, ':utf8';

sub tell {
    my ($item) = @_;
    my $header = $item->isa('HTTP::OAI::Header') ? $item : $item->header;
    my $payload = '';
    if ($item->isa('HTTP::OAI::Record') && $item->metadata) {
        my ($metadata) = grep { $_->nodeType == 1 } $item->metadata->dom->childNodes;
        my ($root) = grep { $_->nodeType == 1 } $metadata->childNodes;
        $payload = $root->toString;
        utf8::encode($payload) if utf8::is_utf8($payload);
    }
    print join("\t", $header->identifier, $header->datestamp, $header->is_deleted ? 'deleted' : '',
        join(' ', $header->setSpec), encode_base64($payload, '')), "\n";
}

my $harvester = HTTP::OAI::Harvester->new(baseURL => $base_url);
my $list = $harvester->$verb(%arguments, onRecord => \&tell);    # follows the tokens by itself
my @codes = map { $_->code } grep { defined } $list->error;
die $list->code, ' ', $list->message, " @codes\n"
    if $list->is_error || grep { $_ ne 'noRecordsMatch' } @codes;
