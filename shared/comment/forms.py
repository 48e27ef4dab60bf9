"""
How tools are given their secrets: the table that `secrets` masks by. A new tool is one more line.

A form is what stands on the command line, a word of it for each word here:

    SECRET   what is masked, in quotes or without; alone, or with something before or behind it (`-pSECRET`)
    NAME     any one word, or the part of a word up to the sign that follows (`NAME:SECRET`)
    NUMBER   digits, or `*`
    …        any words, up to twelve

Everything else stands for itself. A word of one or two letters (`-P`) is not the same in the other case, a longer
one is. A form is looked for behind its tool, up to the end of the command; that of `*` everywhere.
"""

from __future__ import annotations

from typing import NamedTuple


class Tool(NamedTuple):
    """Tools, by their names without a folder or `.exe`, and the forms in which each of them takes a secret."""

    names: str
    forms: tuple[str, ...]


class Look(NamedTuple):
    """Secrets that are known by their looks: how they begin, and at least how many characters of which follow."""

    begins: str
    #: As in a class of a regular expression.
    signs: str
    least: int


class Shape(NamedTuple):
    """A secret of a form of its own: one of the words that such a text holds, and a pattern whose group is the secret."""

    holds: str
    pattern: str


TOOLS = (
    # Windows
    Tool("net net1", ("use … SECRET", "user NAME SECRET")),
    Tool("psexec psexec64 paexec", ("-p SECRET",)),
    Tool("schtasks", ("/p SECRET", "/P SECRET", "/rp SECRET", "/RP SECRET")),
    Tool("signtool", ("/p SECRET",)),
    Tool("certutil", ("-p SECRET",)),
    Tool("winrs winrm", ("-p:SECRET", "/p:SECRET")),
    Tool("rdesktop", ("-p SECRET",)),
    Tool("xfreerdp xfreerdp3 wfreerdp", ("/p:SECRET",)),
    Tool("plink pscp psftp putty kitty", ("-pw SECRET",)),
    Tool("runas sudo su passwd kinit", ("<<< SECRET",)),
    Tool("sc", ("password= SECRET",)),
    Tool("*", ("SECRET -AsPlainText", "ConvertTo-SecureString SECRET", "ConvertTo-SecureString -String SECRET")),
    # Databases
    Tool("sqlcmd osql bcp isql", ("-P SECRET", "-PSECRET")),
    Tool("sqlplus impdp expdp imp exp sqlldr rman", ("NAME/SECRET@NAME", "NAME/SECRET")),
    # -p alone asks for the password: what follows is the database.
    Tool(
        "mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlshow mysqlbinlog mysqlsh mariadb mariadb-dump mariadb-admin",
        ("-pSECRET",),
    ),
    Tool("mongo mongosh mongodump mongorestore mongoexport mongoimport", ("-p SECRET",)),
    Tool("redis-cli", ("-a SECRET",)),
    Tool("ldapsearch ldapmodify ldapadd ldapdelete ldappasswd", ("-w SECRET", "-wSECRET")),
    # Networks
    Tool("curl", ("-u NAME:SECRET", "-uNAME:SECRET", "--user NAME:SECRET", "-U NAME:SECRET", "-b NAME=SECRET", "--cookie NAME=SECRET")),
    Tool("http https xh", ("-a NAME:SECRET", "--auth NAME:SECRET")),
    Tool("*", ("--proxy-user NAME:SECRET",)),
    Tool("lftp", ("-u NAME,SECRET",)),
    Tool("ftp lftp ncftp", ("user NAME SECRET",)),
    Tool("ncftpput ncftpget", ("-p SECRET",)),
    Tool("smbclient rpcclient smbmap smbget", ("-U NAME%SECRET", "-p SECRET")),
    Tool("sshpass", ("-p SECRET", "-pSECRET")),
    Tool("snmpwalk snmpget snmpset snmpbulkwalk snmpbulkget snmptable", ("-c SECRET", "-A SECRET", "-X SECRET")),
    Tool("mosquitto_pub mosquitto_sub", ("-P SECRET",)),
    Tool("nmcli", ("password SECRET",)),
    Tool("netsh", ("key=SECRET",)),
    Tool("networksetup", ("-setairportnetwork NAME NAME SECRET",)),
    Tool("ipmitool", ("-P SECRET",)),
    Tool("wget", ("--http-passwd SECRET",)),
    Tool("rabbitmqctl", ("add_user NAME SECRET", "change_password NAME SECRET")),
    # Accounts
    Tool("useradd usermod", ("-p SECRET",)),
    Tool("htpasswd", tuple(f"-{flags} NAME NAME SECRET" for flags in ("b", "bc", "cb", "bB", "cbB", "bcB"))),
    Tool("htpasswd", ("-nb NAME SECRET", "-nbB NAME SECRET", "-bn NAME SECRET", "-bnB NAME SECRET")),
    Tool("echo printf", ("SECRET | sudo -S", "SECRET | passwd --stdin", "SECRET | kinit", "SECRET | su")),
    Tool("echo printf", ("SECRET | docker login", "SECRET | cryptsetup", "NAME:SECRET | chpasswd")),
    Tool("echo printf", ("NAME:SECRET | sudo chpasswd", "NAME:NUMBER:NAME:NAME:SECRET")),
    Tool("dscl", ("-passwd NAME SECRET",)),
    Tool("sysadminctl", ("-password SECRET", "-newPassword SECRET", "-adminPassword SECRET")),
    Tool("security", ("unlock-keychain -p SECRET", "create-keychain -p SECRET", "set-keychain-password … -p SECRET")),
    Tool("security", ("import … -P SECRET", "add-generic-password … -w SECRET", "add-internet-password … -w SECRET")),
    # Archives, keys and certificates
    Tool("7z 7za 7zr 7zz rar unrar", ("-pSECRET", "-hpSECRET")),
    Tool("zip unzip zipcloak", ("-P SECRET", "-PSECRET")),
    Tool("openssl", ("-k SECRET", "-K SECRET")),
    Tool("ssh-keygen", ("-N SECRET", "-P SECRET")),
    Tool("qpdf", ("--encrypt SECRET",)),
    Tool("ansible-vault steghide", ("-p SECRET",)),
    # Clouds and containers
    Tool("az", ("login … -p SECRET",)),
    Tool("aws", ("configure set aws_session_token SECRET",)),
    Tool("docker podman nerdctl buildah skopeo crane helm", ("login … -p SECRET",)),
    Tool("kubectl oc", ("--from-literal=NAME=SECRET", "login … -p SECRET")),
    Tool("vault", ("login SECRET",)),
    Tool("npm yarn", ("_authToken SECRET", "NAME:_authToken SECRET", "_password SECRET")),
    # None of their own: what a tool before them takes is not meant for them.
    Tool("ssh scp sftp rsync git grep tar mkdir python python3 node", ()),
    # Of attackers
    Tool("hydra medusa ncrack crowbar", ("-p SECRET",)),
    Tool("evil-winrm nxc netexec crackmapexec cme bloodhound-python certipy kerbrute", ("-p SECRET", "-H SECRET")),
    Tool(
        "impacket-secretsdump impacket-psexec impacket-wmiexec impacket-smbexec impacket-smbclient impacket-atexec"
        " secretsdump.py psexec.py wmiexec.py smbexec.py atexec.py dcomexec.py smbclient.py mssqlclient.py",
        ("-hashes SECRET", "NAME:SECRET@NAME"),
    ),
    Tool("*", ("secret_access_key SECRET", "aws_secret_access_key SECRET")),
)  # fmt: skip

#: Names that a secret has wherever it stands: `NAME=`, `NAME:`, or, as an option, `--NAME` and a blank. More may stand before
#: them, and any sign or none in place of `-`.
KEYS = (
    "password", "passwd", "passphrase", "passcode", "pwd", "secret", "secret-key", "token", "api-key", "access-key", "account-key",
    "private-key", "sharedaccesssignature", "keymaterial", "keypass", "storepass", "encryption-key",
)  # fmt: skip

#: Such names that are the end of ordinary words, too: only a sign, a digit or a change of case may stand before them.
WHOLE_KEYS = ("pass", "passin", "passout", "psk", "credential", "credentials", "pin")

#: Parameters of an address that hold a secret, and those that do where their value looks like one.
PARAMETERS = (
    "sig",
    "signature",
    "x-amz-signature",
    "x-amz-credential",
    "x-goog-signature",
    "access_token",
    "id_token",
)
SOMETIMES = ("code", "key", "auth", "sid", "session", "sessionid", "subscription-key", "assertion", "state")

LOOKS = (
    Look("eyJ", r"\w.-", 16),  # JWT
    Look("AKIA ASIA AROA", "A-Z0-9", 16),
    Look("ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\w", 10),
    Look("glpat- gldt- glrt- glptt-", r"\w-", 10),
    Look("xoxa- xoxb- xoxe- xoxp- xoxr- xoxs- xapp-", r"\w-", 10),  # Slack
    Look("AIza ya29.", r"\w.-", 15),  # Google
    Look("hvs. hvb. hvr.", r"\w.-", 8),  # Vault
    Look("dckr_pat_ dckr_oat_", r"\w-", 6),
    Look("sk_live_ sk_test_ rk_live_ rk_test_", r"\w", 10),  # Stripe
    Look("sk-", r"\w-", 32),
    Look("SG.", r"\w.-", 32),  # SendGrid
    Look("npm_ pypi-AgE", r"\w-", 20),
    Look("dop_v1_ doo_v1_ shpat_ shpca_ shppa_ shpss_", r"\w", 20),
    Look("AGE-SECRET-KEY-1", "0-9A-Z", 20),
)

#: Each piece is bounded, or cannot begin within itself: an attacker's 256 KB must not take long.
SHAPES = (
    Shape("Q~", r"(?<![\w.~-])([\w.~-]{3}[0-9]Q~[\w.~-]{20,}+)"),  # client secrets of Entra
    Shape(":AA", r"(?<!\w)([0-9]{8,10}:AA[\w-]{20,}+)"),  # Telegram
    Shape(":", r"(?<![0-9A-Fa-f])([0-9A-Fa-f]{32}:[0-9A-Fa-f]{32})(?![0-9A-Fa-f])"),  # LM and NT hash
    Shape("$", r"(\$(?:1|2[abxy]|5|6|7|y|apr1)\$[\w./$=,-]{8,}+)"),  # crypt
    Shape("jdbc:oracle:", r"jdbc:oracle:[a-z]{1,8}:[^\s/@]{1,128}/([^\s@]{1,256})@"),
    Shape("://", r"://[^\s/:@\"']*+:([^\s/\"']+)@"),
    Shape("@", r"\A[^\s/:@\"']++:(?!//)([^\s/@\"']+)@"),
    Shape("authorization:", r"(?i:authorization: {0,8})(?:[A-Za-z-]{1,20} {1,8})?+(?!\$)([^\s\"',]{6,}+)"),
    Shape("cookie:", r"(?i:cookie: {0,8}+)(?!\$)([^\"'\r\n]+)"),
    # A token has a digit in it, or is long, so that a word such as "authentication" is not taken for one.
    Shape(
        "bearer basic digest negotiate ntlm",
        r"(?<![\w-])(?i:bearer|basic|digest|negotiate|ntlm) {1,8}(?=[^\s\"'0-9]{0,64}[0-9]|[\w.~+/-]{24})([\w.~+/-]{8,}+=*)",
    ),
    Shape(
        "key-----",
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----([^-]*+)(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?",
    ),
)

#: Addresses that are secrets themselves, up to the part that is.
WEBHOOKS = (
    "hooks.slack.com/services/", "outlook.office.com/webhook/", "outlook.office365.com/webhook/", "webhook.office.com/webhookb2/",
    "discord.com/api/webhooks/", "discordapp.com/api/webhooks/", "api.telegram.org/bot", "hooks.zapier.com/hooks/catch/",
    "chat.googleapis.com/v1/spaces/",
)  # fmt: skip

#: Options that end like one of KEYS, and hold no secret: of these tools.
NO_SECRETS = (
    Tool("*", ("-Credential", "-credential", "--credential")),
    Tool("docker podman nerdctl", ("--secret",)),
    Tool("ffmpeg", ("-pass",)),
)
