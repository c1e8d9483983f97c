use arise_testkit::server::for_both;
use serde_json::json;

use crate::{NO_ID, TYPED, names};

const PATH: &str = "/api/admin/semesters";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_semester_from_its_creation_to_its_deletion() {
    for_both(async |server| {
        let admin = server.admin().await;
        let made = admin.post(PATH, json!({"semester_name": " Semester 1 "})).await.expect(201);
        assert_eq!(made["status"], "success");
        assert!(made["message"].is_string());
        let id = made["id"].as_str().unwrap();
        assert_eq!(admin.get(PATH).await.ok(), json!([{"id": id, "semester_name": "Semester 1"}]));

        admin.put(&format!("{PATH}/{id}"), json!({"semester_name": "Semester One"})).await.ok();
        assert_eq!(names(&admin.get(PATH).await.ok(), "semester_name"), ["Semester One"]);

        admin.delete(&format!("{PATH}/{id}")).await.ok();
        assert_eq!(admin.get(PATH).await.ok(), json!([]));
        for answer in [
            admin.delete(&format!("{PATH}/{id}")).await,
            admin.put(&format!("{PATH}/{id}"), json!({"semester_name": "X"})).await,
            admin.delete(&format!("{PATH}/{NO_ID}")).await,
            admin.delete(&format!("{PATH}/7")).await,
        ] {
            answer.refused(404, "not_found");
        }
        // The name is free again.
        admin.post(PATH, json!({"semester_name": "Semester One"})).await.expect(201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_have_bounds_and_belong_to_one() {
    for_both(async |server| {
        let admin = server.admin().await;
        let first = admin.post(PATH, json!({"semester_name": "Autumn"})).await.expect(201);
        let second = admin.post(PATH, json!({"semester_name": "Spring"})).await.expect(201);
        let taken = admin.post(PATH, json!({"semester_name": "AUTUMN"})).await;
        assert!(taken.refused(409, "duplicate_semester_name")["error"].as_str().unwrap().contains("AUTUMN"));
        let second = format!("{PATH}/{}", second["id"].as_str().unwrap());
        admin.put(&second, json!({"semester_name": "autumn"})).await.refused(409, "duplicate_semester_name");
        // Its own name is no duplicate, in another case neither.
        let first = format!("{PATH}/{}", first["id"].as_str().unwrap());
        admin.put(&first, json!({"semester_name": "autumn"})).await.ok();

        for name in ["", "   ", "a\u{7}b", &"x".repeat(201)] {
            admin.post(PATH, json!({"semester_name": name})).await.invalid("semester_name");
        }
        admin.post(PATH, json!({"semester_name": "x".repeat(200)})).await.expect(201);
        admin.post(PATH, json!({})).await.invalid("semester_name");
        admin.post(PATH, json!({"semester_name": 7})).await.invalid("semester_name");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_comes_back_as_typed() {
    for_both(async |server| {
        let admin = server.admin().await;
        for text in TYPED {
            admin.post(PATH, json!({"semester_name": text})).await.expect(201);
        }
        let listed = names(&admin.get(PATH).await.ok(), "semester_name");
        assert_eq!(listed.len(), TYPED.len());
        for text in TYPED {
            assert!(listed.iter().any(|name| name == text), "{text}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_semester_with_courses_stays() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let admin = server.admin().await;
        let path = format!("{PATH}/{}", class.semester);
        admin.delete(&path).await.refused(409, "semester_in_use");
        assert_eq!(admin.get(&format!("/api/admin/courses/{}", class.course)).await.status, 200);
        admin.delete(&format!("/api/admin/courses/{}", class.course)).await.ok();
        admin.delete(&path).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_searched_and_read_in_pages() {
    for_both(async |server| {
        let admin = server.admin().await;
        for number in [10, 9, 2, 1] {
            server.semester(&format!("Semester {number}")).await;
        }
        let get = async |query: &str| {
            let answer = admin.get(&format!("{PATH}{query}")).await;
            (names(&answer.ok(), "semester_name"), answer.header("x-total-count").to_owned())
        };
        let (all, total) = get("").await;
        assert_eq!(all, ["Semester 1", "Semester 2", "Semester 9", "Semester 10"]);
        assert_eq!(total, "4");
        assert_eq!(
            get("?limit=2&offset=1").await,
            (vec!["Semester 2".into(), "Semester 9".into()], "4".into())
        );
        assert_eq!(get("?offset=9").await, (vec![], "4".into()));
        assert_eq!(get("?q=TER%201").await, (vec!["Semester 1".into(), "Semester 10".into()], "2".into()));
        // What is typed is looked for as it is.
        assert_eq!(get("?q=%25").await, (vec![], "0".into()));
        assert_eq!(get("?q=_").await, (vec![], "0".into()));
        assert_eq!(get("?limit=0").await.0.len(), 1);
        assert_eq!(get("?limit=-5&offset=-5").await.0.len(), 1);
        admin.get(&format!("{PATH}?limit=many")).await.refused(400, "bad_query");
    })
    .await;
}
