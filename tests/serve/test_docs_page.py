import re
import subprocess

from .conftest import ADDRESS


def test_the_page_names_every_route_and_loads_nothing_from_elsewhere(client):
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method in methods:
            assert f"<h2><code>{method.upper()} {path}</code></h2>" in page.text
    for place in re.findall(r'(?:href|src)="([^"#][^"]*)"', page.text):
        assert place.startswith("/") and client.get(place).status_code == 200
    assert "<script" not in page.text
    assert "One of scene, portrait." in page.text


def test_its_commands_can_be_copied(client):
    told = re.findall(r"<pre[^>]*>(.*?)</pre>", client.get("/docs").text)
    commands = [command.replace("&#x27;", "'") for command in told]
    assert f"--data-binary @picture.jpg --output anonymized.jpg '{ADDRESS}/v1/anonymize'" in str(
        commands
    )
    for command in commands:
        assert subprocess.run(["sh", "-n", "-c", command]).returncode == 0


def test_it_is_open_where_there_is_a_token(serve):
    assert serve(token="s3cret").get("/docs").status_code == 200
