"""Addresses are told apart however they are written."""

import pytest

from appliance.upstream.address_kinds import Kind, kind_of


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.9.9.9", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("10.1.2.3", "site"),
        ("172.16.0.1", "site"),
        ("192.168.1.1", "site"),
        ("192.0.2.77", "site"),
        ("fd00::1", "site"),
        ("::ffff:10.0.0.1", "site"),
        ("64:ff9b::a00:1", "site"),
        ("100.64.0.1", "shared"),
        ("::ffff:100.127.255.255", "shared"),
        ("8.8.8.8", "internet"),
        ("2606:4700::1111", "internet"),
        ("64:ff9b::808:808", "internet"),
        ("169.254.169.254", "metadata"),
        ("::ffff:169.254.169.254", "metadata"),
        ("64:ff9b::a9fe:a9fe", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("fd00:ec2::254%eth0", "metadata"),
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "metadata"),
        ("::ffff:168.63.129.16", "metadata"),
        ("192.0.0.192", "metadata"),
        ("2001:db8:a9fe:a9fe::", "metadata"),  # NAT64 with a prefix of the site's own: 32, 40, 48, 56, 64 and 96 bits
        ("2001:db8:1a9:fea9:fe::", "metadata"),
        ("2001:db8:122:a9fe:a9:fe00::", "metadata"),
        ("2001:db8:122:3a9:fe:a9fe::", "metadata"),
        ("2001:db8:122:344:a9:fea9:fe00:0", "metadata"),
        ("2001:db8:122:344::a9fe:a9fe", "metadata"),
        ("fd00:64::168.63.129.16", "metadata"),
        ("2606:4700:122:344::a9fe:a9fd", "internet"),
        ("2606:4700:a9fe:a9fe::1", "internet"),
        ("169.254.1.1", "none"),
        ("fe80::1", "none"),
        ("fe80::1%eth0", "none"),
        ("2002:a9fe:a9fe::1", "none"),  # 6to4
        ("2002:808:808::1", "none"),
        ("2001:0:808:808:0:0:5601:5601", "none"),  # Teredo
        ("64:ff9b:1::a9fe:a9fe", "metadata"),
        ("64:ff9b:1:a9fe:a9:fe00::", "metadata"),
        ("::169.254.169.254", "metadata"),
        ("::ffff:0:169.254.169.254", "metadata"),
        ("fe80::5efe:a9fe:a9fe", "metadata"),
        ("2606::5efe:a9fe:a9fe", "metadata"),
        ("2606::200:5efe:a9fe:a9fe", "metadata"),
        ("2606::5efe:a9fe:101", "none"),  # ISATAP
        ("2606::200:5efe:a00:1", "none"),
        ("64:ff9b:1::a00:1", "none"),
        ("::10.0.0.1", "none"),
        ("::ffff:0:10.0.0.1", "none"),
        ("0.0.0.0", "none"),
        ("0.1.2.3", "none"),
        ("::", "none"),
        ("224.0.0.1", "none"),
        ("255.255.255.255", "none"),
        ("240.0.0.1", "none"),
        ("ff02::1", "none"),
        ("fec0::1", "none"),
    ],
)
def test_addresses_are_told_apart_however_they_are_written(address: str, kind: Kind) -> None:
    assert kind_of(address) == kind
